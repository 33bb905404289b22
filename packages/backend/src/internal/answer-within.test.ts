import { BackendError } from "@acr/core";
import { answerWithin } from "./answer-within.js";

describe("answerWithin(promise, timeoutMs, reason)", () => {
  it("passes on what comes in time, also an error", async () => {
    expect(await answerWithin(Promise.resolve(3), 60_000, "late")).toBe(3);
    await expect(answerWithin(Promise.reject(new Error("lost")), 60_000, "late")).rejects.toThrow("lost");
  });

  it("throws the reason where nothing comes", async () => {
    const answer = answerWithin(new Promise(() => {}), 1, "the driver did not answer.");
    await expect(answer).rejects.toThrow(BackendError);
    await expect(answer).rejects.toThrow("the driver did not answer.");
  });
});
