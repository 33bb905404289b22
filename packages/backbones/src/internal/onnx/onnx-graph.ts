import { ProtobufWriter } from "./protobuf-writer.js";

/** Values of an attribute: text, an integer, integers or a fraction. */
export type Attribute = string | bigint | readonly bigint[] | number;

/** Numbers of onnx.proto (IR version 8): https://github.com/onnx/onnx/blob/v1.16.0/onnx/onnx.proto. */
const IR_VERSION = 8;
const OPSET = 17;
const [FLOAT, INT64] = [1, 7];

/** A graph under construction; what it holds becomes an ONNX model. */
export class OnnxGraph {
  private readonly nodes: ProtobufWriter[] = [];
  private readonly initializers: ProtobufWriter[] = [];
  private readonly inputs: ProtobufWriter[] = [];
  private readonly outputs: ProtobufWriter[] = [];
  private counter = 0;

  constructor(private readonly name: string) {}

  /** @returns the name of the node's one output. */
  node(
    type: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    output = `${type.toLowerCase()}_${this.counter++}`,
  ): string {
    const node = new ProtobufWriter();
    for (const input of inputs) node.bytes(1, input);
    node.bytes(2, output).bytes(3, output).bytes(4, type);
    for (const [name, value] of Object.entries(attributes)) {
      const attribute = new ProtobufWriter().bytes(1, name);
      if (typeof value === "string") attribute.bytes(4, value).integer(20, 3);
      else if (typeof value === "bigint") attribute.integer(3, value).integer(20, 2);
      else if (typeof value === "number") attribute.float(2, value).integer(20, 1);
      else {
        for (const item of value) attribute.integer(8, item);
        attribute.integer(20, 7);
      }
      node.bytes(5, attribute);
    }
    this.nodes.push(node);
    return output;
  }

  constant(
    values: Float32Array | BigInt64Array,
    shape: readonly number[],
    name = `constant_${this.counter++}`,
  ): string {
    const tensor = new ProtobufWriter();
    for (const side of shape) tensor.integer(1, side);
    tensor.integer(2, values instanceof Float32Array ? FLOAT : INT64).bytes(8, name);
    tensor.bytes(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    this.initializers.push(tensor);
    return name;
  }

  floats(...values: number[]): string {
    return this.constant(Float32Array.from(values), values.length === 1 ? [] : [values.length]);
  }

  integers(...values: number[]): string {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length]);
  }

  input(name: string, shape: readonly (number | null)[]): void {
    this.inputs.push(valueInfo(name, shape));
  }

  output(name: string, shape: readonly (number | null)[]): void {
    this.outputs.push(valueInfo(name, shape));
  }

  finish(): Uint8Array {
    const graph = new ProtobufWriter();
    for (const node of this.nodes) graph.bytes(1, node);
    graph.bytes(2, this.name);
    for (const tensor of this.initializers) graph.bytes(5, tensor);
    for (const value of this.inputs) graph.bytes(11, value);
    for (const value of this.outputs) graph.bytes(12, value);
    const opset = new ProtobufWriter().bytes(1, "").integer(2, OPSET);
    return new ProtobufWriter()
      .integer(1, IR_VERSION)
      .bytes(2, "@acr/backbones")
      .bytes(7, graph)
      .bytes(8, opset)
      .finish();
  }
}

function valueInfo(name: string, shape: readonly (number | null)[]): ProtobufWriter {
  const sides = new ProtobufWriter();
  for (const side of shape) {
    const dimension = new ProtobufWriter();
    sides.bytes(1, side === null ? dimension.bytes(2, "batch") : dimension.integer(1, side));
  }
  const tensor = new ProtobufWriter().integer(1, FLOAT).bytes(2, sides);
  return new ProtobufWriter().bytes(1, name).bytes(2, new ProtobufWriter().bytes(1, tensor));
}
