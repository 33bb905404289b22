import type { LayersModel } from "@tensorflow/tfjs-layers";

/** How PyTorch libraries name the modules of one architecture: by the layers here. */
export type TorchModules = Map<string, string>;
/** Libraries whose names are known. */
export type TorchNaming = "timm" | "torchvision";

/** Blocks of each stage, as timm counts them. */
const MOBILENET_V2 = [1, 2, 3, 4, 3, 3, 1];
const MOBILENET_V3 = { small: [1, 2, 3, 2, 3], large: [1, 2, 3, 4, 2, 3] };

/** The parts of an inverted residual: names here, and whether they are there. */
interface BlockNames {
  expand: readonly [conv: string, norm: string];
  depthwise: readonly [conv: string, norm: string];
  squeeze: readonly [reduce: string, expand: string];
  project: readonly [conv: string, norm: string];
}

/** `blocks.2.1` of each block in turn. */
const stagePlaces = (stages: readonly number[]) =>
  stages.flatMap((count, stage) => Array.from({ length: count }, (_, i) => `blocks.${stage}.${i}`));

/**
 * The names that timm and torchvision give to the modules behind a model's layers, or `undefined` for an architecture that
 * they have not. Layers that they lack (EfficientNet's normalisation, heads) have no entry.
 *
 * timm: timm/models/_efficientnet_blocks.py and resnet.py (version 1.0); torchvision: torchvision/models (version 0.28).
 */
export function torchModules(model: LayersModel): Record<TorchNaming, TorchModules> | undefined {
  const names = new Set(model.layers.map(({ name }) => name));
  const timm: TorchModules = new Map();
  const torchvision: TorchModules = new Map();
  const both = (layer: string, inTimm: string, inTorchvision: string) => {
    timm.set(layer, inTimm);
    torchvision.set(layer, inTorchvision);
  };
  /** An inverted residual; `flat` where torchvision keeps the projection beside its units (MobileNetV2). */
  const block = (parts: BlockNames, inTimm: string, inTorchvision: string, flat: boolean) => {
    const hasExpansion = names.has(parts.expand[0]);
    let unit = 0;
    if (hasExpansion) {
      both(parts.expand[0], `${inTimm}.conv_pw`, `${inTorchvision}.${unit}.0`);
      both(parts.expand[1], `${inTimm}.bn1`, `${inTorchvision}.${unit}.1`);
      unit++;
    }
    both(parts.depthwise[0], `${inTimm}.conv_dw`, `${inTorchvision}.${unit}.0`);
    both(parts.depthwise[1], `${inTimm}.bn${hasExpansion ? 2 : 1}`, `${inTorchvision}.${unit}.1`);
    unit++;
    if (names.has(parts.squeeze[0])) {
      both(parts.squeeze[0], `${inTimm}.se.conv_reduce`, `${inTorchvision}.${unit}.fc1`);
      both(parts.squeeze[1], `${inTimm}.se.conv_expand`, `${inTorchvision}.${unit}.fc2`);
      unit++;
    }
    const [conv, norm] = flat ? [`${unit}`, `${unit + 1}`] : [`${unit}.0`, `${unit}.1`];
    both(parts.project[0], `${inTimm}.${hasExpansion ? "conv_pwl" : "conv_pw"}`, `${inTorchvision}.${conv}`);
    both(parts.project[1], `${inTimm}.bn${hasExpansion ? 3 : 2}`, `${inTorchvision}.${norm}`);
  };
  const result = { timm, torchvision };

  if (names.has("bn_Conv1")) {
    both("Conv1", "conv_stem", "features.0.0");
    both("bn_Conv1", "bn1", "features.0.1");
    for (const [i, place] of stagePlaces(MOBILENET_V2).entries()) {
      const name = i === 0 ? "expanded_conv" : `block_${i}`;
      const part = (which: string) => [`${name}_${which}`, `${name}_${which}_BN`] as const;
      const parts = { expand: part("expand"), depthwise: part("depthwise"), project: part("project") };
      block({ ...parts, squeeze: ["", ""] }, place, `features.${i + 1}.conv`, true);
    }
    both("Conv_1", "conv_head", "features.18.0");
    both("Conv_1_bn", "bn2", "features.18.1");
    return result;
  }
  if (names.has("block1a_dwconv")) {
    both("stem_conv", "conv_stem", "features.0.0");
    both("stem_bn", "bn1", "features.0.1");
    for (const name of names) {
      const [, prefix, stage, letter] = /^(block(\d)([a-z]))_dwconv$/.exec(name) ?? [];
      if (!prefix) continue;
      const i = letter!.charCodeAt(0) - 97;
      const parts: BlockNames = {
        expand: [`${prefix}_expand_conv`, `${prefix}_expand_bn`],
        depthwise: [`${prefix}_dwconv`, `${prefix}_bn`],
        squeeze: [`${prefix}_se_reduce`, `${prefix}_se_expand`],
        project: [`${prefix}_project_conv`, `${prefix}_project_bn`],
      };
      block(parts, `blocks.${Number(stage) - 1}.${i}`, `features.${stage}.${i}.block`, false);
    }
    both("top_conv", "conv_head", "features.8.0");
    both("top_bn", "bn2", "features.8.1");
    return result;
  }
  if (names.has("conv_bn") && names.has("expanded_conv_depthwise")) {
    const stages = names.has("expanded_conv_11_depthwise") ? MOBILENET_V3.large : MOBILENET_V3.small;
    const places = stagePlaces(stages);
    both("conv", "conv_stem", "features.0.0");
    both("conv_bn", "bn1", "features.0.1");
    for (const [i, place] of places.entries()) {
      const name = i === 0 ? "expanded_conv" : `expanded_conv_${i}`;
      const part = (which: string) => [`${name}_${which}`, `${name}_${which}_bn`] as const;
      const squeeze = [`${name}_squeeze_excite_conv`, `${name}_squeeze_excite_conv_1`] as const;
      const parts = { expand: part("expand"), depthwise: part("depthwise"), project: part("project"), squeeze };
      block(parts, place, `features.${i + 1}.block`, false);
    }
    both("conv_1", `blocks.${stages.length}.0.conv`, `features.${places.length + 1}.0`);
    both("conv_1_bn", `blocks.${stages.length}.0.bn1`, `features.${places.length + 1}.1`);
    return result;
  }
  if (names.has("conv1_conv") && names.has("conv2_block1_1_conv")) {
    both("conv1_conv", "conv1", "conv1");
    both("conv1_bn", "bn1", "bn1");
    for (const name of names) {
      const [, stage, i, part, kind] = /^conv(\d)_block(\d+)_(\d)_(conv|bn)$/.exec(name) ?? [];
      if (!stage) continue;
      const within = part === "0" ? `downsample.${kind === "conv" ? 0 : 1}` : `${kind}${part}`;
      const module = `layer${Number(stage) - 1}.${Number(i) - 1}.${within}`;
      both(name, module, module);
    }
    return result;
  }
  return undefined;
}
