import { util } from "@tensorflow/tfjs-core";
import { model as createModel, type LayersModel, layers, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { StepMemory } from "../step-memory.js";
import { areaMeanLayer, exciteLayer, gateLayer } from "./gate-layers.js";
import { matchExcite } from "./match-excite.js";
import { matchNormAndActivation, matchUnit, type Unit } from "./match-unit.js";
import { inputsOf, isUsedOnce, ModelGraph } from "./model-graph.js";
import { normLayer } from "./norm-layer.js";
import { SharedWeightsLayer } from "./shared-weights-layer.js";
import {
  type ConvolutionLayer,
  isChannelsLast,
  isGate,
  isModel,
  isUsualNorm,
  type Layer,
  type NormLayer,
  typeOf,
} from "./tfjs-layers.js";
import { convolutionLayer, finishLayer, unitLayer } from "./unit-layers.js";

/** Builds the fused twin of a model's graph, tensor by tensor, from the outputs back. */
export class FusedGraph {
  private readonly graph: ModelGraph;
  /** One twin for all places a shared layer stands in. */
  private readonly twins = new Map<Layer, Layer>();
  /** The twin of each tensor of the model. */
  private readonly finished = new Map<SymbolicTensor, SymbolicTensor>();
  /** The deferred map of each unit, by the unit's finished map in the model. */
  private readonly deferred = new Map<SymbolicTensor, SymbolicTensor>();

  private constructor(
    model: LayersModel,
    private readonly budget: StepMemory,
  ) {
    this.graph = new ModelGraph(model);
    for (const input of model.inputs) {
      const { shape, dtype, sourceLayer } = input;
      this.budget.add(shape, "deferred");
      this.finished.set(input, layers.input({ batchShape: shape, dtype, name: sourceLayer.name }) as SymbolicTensor);
    }
  }

  /** The fused twin of a model; one inside another counts what it holds in the `budget` of that. */
  static twinOf(model: LayersModel, budget = new StepMemory()): LayersModel {
    const fused = new FusedGraph(model, budget);
    const outputs = model.outputs.map((output) => fused.convert(output));
    const inputs = model.inputs.map((input) => fused.convert(input));
    return createModel({ inputs, outputs, name: `${model.name}_fused` });
  }

  /** The twin of a tensor, with everything in front of it. */
  private convert(tensor: SymbolicTensor): SymbolicTensor {
    const known = this.finished.get(tensor);
    if (known) return known;
    const result =
      this.finishedUnit(tensor) ??
      this.excited(tensor) ??
      this.residualSum(tensor) ??
      this.gated(tensor) ??
      this.normalized(tensor) ??
      this.sameLayer(tensor);
    this.finished.set(tensor, result);
    this.budget.add(result.shape, "finished");
    return result;
  }

  private finishedUnit(tensor: SymbolicTensor): SymbolicTensor | undefined {
    const unit = matchUnit(this.graph, tensor);
    if (!unit) return undefined;
    return finishLayer(tensor.sourceLayer.name, unit).apply(this.deferredUnit(tensor, unit)) as SymbolicTensor;
  }

  /** The deferred map of the unit whose finished map `tensor` is. */
  private deferredUnit(tensor: SymbolicTensor, unit: Unit): SymbolicTensor {
    const known = this.deferred.get(tensor);
    if (known) return known;
    const { input, readsDeferred } = unit;
    const before = readsDeferred && this.graph.hasOneConsumer(input) ? matchUnit(this.graph, input) : undefined;
    const map = before ? this.deferredUnit(input, before) : this.convert(input);
    const output = unitLayer(unit, before?.activation, this.budget).apply(map) as SymbolicTensor;
    this.deferred.set(tensor, output);
    this.budget.add(output.shape, "deferred");
    return output;
  }

  private excited(tensor: SymbolicTensor): SymbolicTensor | undefined {
    const excite = matchExcite(this.graph, tensor);
    if (!excite) return undefined;
    const { map } = excite;
    // Nobody but its own gates and the product may read the map: it stays deferred.
    const before = this.graph.consumerCount(map) === 2 ? matchUnit(this.graph, map) : undefined;
    const input = before ? this.deferredUnit(map, before) : this.convert(map);
    if (before) this.budget.add(map.shape, "deferred");
    const { name } = tensor.sourceLayer;
    return exciteLayer(name, excite, tensor.shape, before?.activation ?? "linear").apply(input) as SymbolicTensor;
  }

  /** A unit's map plus another of its shape: the sum is formed while the map is finished. */
  private residualSum(tensor: SymbolicTensor): SymbolicTensor | undefined {
    const sum = tensor.sourceLayer;
    const inputs = inputsOf(tensor);
    if (typeOf(sum) !== "Add" || inputs.length !== 2 || !isUsedOnce(sum)) return undefined;
    const branch = inputs.find((input) => this.graph.hasOneConsumer(input) && matchUnit(this.graph, input));
    const residual = inputs.find((input) => input !== branch);
    if (!branch || !residual || !util.arraysEqual(branch.shape as number[], residual.shape as number[]))
      return undefined;
    const unit = matchUnit(this.graph, branch)!;
    const other = this.convert(residual);
    return finishLayer(sum.name, unit).apply([this.deferredUnit(branch, unit), other]) as SymbolicTensor;
  }

  /** A map times gates that are not those of squeeze and excite. */
  private gated(tensor: SymbolicTensor): SymbolicTensor | undefined {
    const product = tensor.sourceLayer;
    const [first, second, ...others] = inputsOf(tensor);
    if (typeOf(product) !== "Multiply" || !first || !second || others.length > 0) return undefined;
    const [map, gates] = isUsedOnce(product) && isGate(first) ? [second, first] : [first, second];
    if (map.rank !== 4 || isGate(map) || !isGate(gates) || map.shape.at(-1) !== gates.shape.at(-1)) return undefined;
    const twin = this.layerTwin(product, () => gateLayer(product));
    return twin.apply([this.convert(map), this.convert(gates)]) as SymbolicTensor;
  }

  /** A BatchNormalization behind something else than a convolution, with the activation behind it. */
  private normalized(tensor: SymbolicTensor): SymbolicTensor | undefined {
    const match = matchNormAndActivation(this.graph, tensor);
    if (!match) return undefined;
    const { norm, activation, source } = match;
    return normLayer(norm, activation, this.graph.model).apply(this.convert(source)) as SymbolicTensor;
  }

  /** What runs as it is, by a better kernel where one fits. */
  private sameLayer(tensor: SymbolicTensor): SymbolicTensor {
    const layer = tensor.sourceLayer;
    const inputs = inputsOf(tensor).map((input) => this.convert(input));
    const twin = this.layerTwin(
      layer,
      () =>
        betterLayer(layer, tensor.rank, this.graph.model) ??
        this.nestedModel(layer) ??
        SharedWeightsLayer.of(layer, (x, kwargs) => layer.call(x, kwargs as never)),
    );
    const outputs = twin.apply(inputs.length === 1 ? inputs[0]! : inputs) as SymbolicTensor | SymbolicTensor[];
    return Array.isArray(outputs) ? outputs[tensor.outputTensorIndex ?? 0]! : outputs;
  }

  private nestedModel(layer: Layer): Layer | undefined {
    if (!isModel(layer)) return undefined;
    const twin = FusedGraph.twinOf(layer, this.budget);
    return SharedWeightsLayer.of(layer, (x, kwargs) => twin.call(x, kwargs as never));
  }

  private layerTwin(layer: Layer, make: () => Layer): Layer {
    const twin = this.twins.get(layer) ?? make();
    this.twins.set(layer, twin);
    return twin;
  }
}

/** Another route for one layer alone. */
function betterLayer(layer: Layer, rank: number, model: LayersModel): SharedWeightsLayer | undefined {
  switch (typeOf(layer)) {
    case "BatchNormalization":
      // Shared: one that stands in one place was matched before.
      return isUsualNorm(layer as NormLayer, rank) ? normLayer(layer as NormLayer, "linear", model) : undefined;
    case "Conv2D":
    case "DepthwiseConv2D":
      return convolutionLayer(layer as ConvolutionLayer);
    case "GlobalAveragePooling2D":
      return isChannelsLast(layer) ? areaMeanLayer(layer) : undefined;
    default:
      return undefined;
  }
}
