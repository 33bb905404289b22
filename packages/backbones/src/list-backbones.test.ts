import { InvalidArgumentError } from "@acr/core";
import { listBackbones } from "./list-backbones.js";

test("listBackbones() gives every name, families in order", () => {
  expect(listBackbones()).toEqual([
    ...["035", "050", "075", "100", "130", "140"].map((alpha) => `mobilenet_v2_${alpha}`),
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((size) => `efficientnet_b${size}`),
    ...[0, 1, 2, 3, 4].map((size) => `efficientnet_lite${size}`),
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "resnet_18",
    "resnet_34",
    "resnet_50",
    "resnet_50_v1_5",
    "pfld_050",
    "mobilefacenet_100",
  ]);
});

test("listBackbones(pattern) reads * as any text and all else literally", () => {
  expect(listBackbones("*_b1")).toEqual(["efficientnet_b1"]);
  expect(listBackbones("mobilenet_v2_1?0")).toEqual([]);
  expect(listBackbones("mobilenet_v2_1*0")).toEqual(["mobilenet_v2_100", "mobilenet_v2_130", "mobilenet_v2_140"]);
  expect(() => listBackbones(/b0/ as never)).toThrow(InvalidArgumentError);
});
