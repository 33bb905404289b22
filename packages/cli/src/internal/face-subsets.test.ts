import { headPose } from "@acr/metrics";
import { createSyntheticFaces } from "@acr/synthetic";
import { attributeSubsets, protocolSubsets } from "./face-subsets.js";

it("headPose follows the true pose of drawn faces", () => {
  const faces = createSyntheticFaces({ count: 300, seed: 3, maxYawDegrees: 75 });
  const pairs = Array.from({ length: faces.length }, (_, i) => {
    const { landmarks, tags, scheme } = faces.describe(i);
    return { told: tags as { yawDegrees: number; rollDegrees: number }, found: headPose(landmarks, { scheme }) };
  });
  const mean = (list: number[]) => list.reduce((sum, value) => sum + value, 0) / list.length;
  const turned = pairs.filter(({ told }) => Math.abs(told.yawDegrees) > 5);
  expect(turned.every(({ told, found }) => told.yawDegrees * found.yawDegrees > 0)).toBe(true);
  expect(mean(pairs.map(({ told, found }) => Math.abs(told.yawDegrees - found.yawDegrees)))).toBeLessThan(6);
  expect(mean(pairs.map(({ told, found }) => Math.abs(told.rollDegrees - found.rollDegrees)))).toBeLessThan(3);
});

it("attributeSubsets trusts a told yaw, puts every face into one bin, and leaves empty bins out", () => {
  const faces = createSyntheticFaces({ count: 40, seed: 1 });
  const described = Array.from({ length: 40 }, (_, i) => faces.describe(i));
  const subsets = attributeSubsets(
    {
      tags: described.map(({ tags }, i) => ({ ...tags, yawDegrees: i % 2 ? 20 : 0 })),
      targets: described.map(({ landmarks }) => landmarks),
      visible: described.map(() => undefined),
    },
    faces.scheme,
  );
  expect([...subsets["yaw 0–15°"]!]).toEqual(described.map((_, i) => (i % 2 ? 0 : 1)));
  expect([...subsets["yaw 15–30°"]!]).toEqual(described.map((_, i) => i % 2));
  expect(Object.keys(subsets)).not.toContain("yaw over 30°");
  expect(Object.keys(subsets).some((name) => name.includes("occluded"))).toBe(false);
});

it("protocolSubsets parts the full test set of 300-W, and nothing else", () => {
  const ids = ["ibug/image_1", "lfpw/testset/image_2"];
  const { common, challenging } = protocolSubsets("300w", "full", ids);
  expect([[...common!], [...challenging!]]).toEqual([
    [0, 1],
    [1, 0],
  ]);
  expect(protocolSubsets("300w", "ibug", ids)).toEqual({});
});
