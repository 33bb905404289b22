import { InvalidArgumentError, StorageError } from "@acr/core";
import type { Redis } from "ioredis";

const MINIMUM_VERSION = [6, 2] as const;
/** Waits between tries to reach the server. */
const BACK_OFF_MS = [200, 500, 1000, 2000];

function packageAbsent(cause: unknown): never {
  throw new InvalidArgumentError("sweep: a sweep on Redis needs two more packages: npm i bullmq ioredis.", { cause });
}

/** The queue's package, an optional peer. */
export async function loadBullmq(): Promise<typeof import("bullmq")> {
  return import("bullmq").catch(packageAbsent);
}

/** A connection of the queue's client. */
export type RedisConnection = Redis;

/**
 * A connection that has answered; it reconnects by itself later, with back-off and without end.
 *
 * @param onConnection - called when it is lost and when it is back.
 */
export async function connectRedis(
  url: string,
  onConnection?: (state: "lost" | "back", reason?: string) => void,
): Promise<Redis> {
  let shown: string;
  try {
    const { protocol, host } = new URL(url);
    if (protocol !== "redis:" && protocol !== "rediss:") throw new Error("other protocol");
    shown = `${protocol}//${host}`;
  } catch (cause) {
    throw new InvalidArgumentError(
      "sweep: the address of Redis must be redis://[user:password@]host:port or rediss://…; got something else.",
      { cause },
    );
  }
  const { Redis: Client } = await import("ioredis").catch(packageAbsent);
  for (let attempt = 0; ; attempt++) {
    let isConnected = false;
    let last: Error | undefined;
    const client = new Client(url, {
      lazyConnect: true,
      connectTimeout: 5000,
      maxRetriesPerRequest: null,
      retryStrategy: (times) => (isConnected ? Math.min(200 * 2 ** Math.min(times, 6), 10_000) : null),
    });
    client.on("error", (error) => {
      last = error;
    });
    try {
      await client.connect();
      const info = await client.info("server");
      const version = /redis_version:(\d+)\.(\d+)/.exec(info)?.slice(1).map(Number) ?? [0, 0];
      if (version[0]! < MINIMUM_VERSION[0] || (version[0] === MINIMUM_VERSION[0] && version[1]! < MINIMUM_VERSION[1]))
        throw new StorageError(
          `sweep: Redis at ${shown} is version ${version.join(".")}; expected ${MINIMUM_VERSION.join(".")} or later, or Valkey.`,
        );
      isConnected = true;
      let isLost = false;
      // Not at a close on purpose; once, not at every try.
      client.on("reconnecting", () => {
        if (!isLost) onConnection?.("lost", `Redis at ${shown} does not answer`);
        isLost = true;
      });
      client.on("ready", () => {
        if (isLost) onConnection?.("back");
        isLost = false;
      });
      return client;
    } catch (error) {
      // A client that has ended by itself would start a timer here and keep the process alive for two seconds.
      if (client.status !== "end") client.disconnect();
      if (StorageError.isInstance(error)) throw error;
      const text = `${(error as Error).message} ${last?.message ?? ""}`;
      if (/WRONGPASS|NOAUTH|invalid password|ERR AUTH|without any password/i.test(text))
        throw new StorageError(`sweep: Redis at ${shown} refuses the password in the address, or wants one.`, {
          cause: error,
        });
      const wait = BACK_OFF_MS[attempt];
      if (wait === undefined)
        throw new StorageError(
          `sweep: no Redis answers at ${shown} (${(last ?? (error as Error)).message}). Start one with redis-server (apt-get install redis-server) or docker run -p 6379:6379 redis:7. Results so far are safe in the folder of the sweep.`,
          { cause: error },
        );
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}
