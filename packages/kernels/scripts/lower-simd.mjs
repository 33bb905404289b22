// Rewrites a WebAssembly module that uses 128-bit SIMD as one that does without, operation by operation: a v128 becomes
// four float32, its lanes. Every lane is computed by the same operations in the same order, so the results are the same
// bits. What is not listed here stays as it is, and then the module no longer validates and the build fails.
import binaryen from "binaryen";

const LANES = [0, 1, 2, 3];
const ops = binaryen.Operations;
/** What runtimes without SIMD have beyond WebAssembly 1.0, and the kernels use: `memory.fill` and `memory.copy`. */
const FEATURES = binaryen.Features.MVP | binaryen.Features.BulkMemory | binaryen.Features.BulkMemoryOpt;

/**
 * The module without SIMD.
 *
 * @param {Uint8Array} binary - uses SIMD in no signature, no global and no operation that is unknown here.
 * @returns {Uint8Array}
 * @throws {Error} something of SIMD would be left.
 */
export function lowerSimd(binary) {
  const module = binaryen.readBinary(binary);
  try {
    // Afterwards operands are constants or locals, and nothing but `local.set` has a value that is not an operand.
    module.runPasses(["flatten"]);
    const functions = Array.from({ length: module.getNumFunctions() }, (_, i) => module.getFunctionByIndex(i));
    for (const info of functions.map(binaryen.getFunctionInfo)) if (info.base === "") lowerFunction(module, info);
    module.setFeatures(FEATURES);
    if (!module.validate())
      throw new Error("lowerSimd: the module uses SIMD in a way that is not known here; see above.");
    binaryen.setOptimizeLevel(3);
    binaryen.setShrinkLevel(0);
    // What the flat form leaves in the way of the first run is gone for the second.
    module.optimize();
    module.optimize();
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

function lowerFunction(module, { name, params, results, vars, body }) {
  const parameters = binaryen.expandType(params);
  if ([...parameters, ...binaryen.expandType(results)].includes(binaryen.v128))
    throw new Error(`lowerSimd: function ${name} takes or returns a v128. Mark it @inline, or hand over numbers.`);
  const first = parameters.length;
  /** Where the four lanes of a v128 local live. */
  const lanesOf = new Map();
  const types = vars.map((type) => (type === binaryen.v128 ? binaryen.i32 : type));
  const addLocal = (type) => first + types.push(type) - 1;
  vars.forEach((type, i) => {
    if (type === binaryen.v128)
      lanesOf.set(
        first + i,
        LANES.map(() => addLocal(binaryen.f32)),
      );
  });
  if (lanesOf.size === 0) return;
  const lowered = lowerStatement(body, new Lowering(module, lanesOf, addLocal));
  module.removeFunction(name);
  module.addFunction(name, params, results, types, lowered);
}

/** The statements that can hold a v128, or another statement. */
const STATEMENTS = new Set([
  binaryen.BlockId,
  binaryen.LoopId,
  binaryen.IfId,
  binaryen.LocalSetId,
  binaryen.StoreId,
  binaryen.DropId,
]);

/** Statements hold other statements in blocks, branches and loops alone. */
function lowerStatement(statement, lowering) {
  const id = binaryen.getExpressionId(statement);
  if (!STATEMENTS.has(id)) return statement;
  const info = binaryen.getExpressionInfo(statement);
  switch (id) {
    case binaryen.BlockId:
      info.children.forEach(
        (child, i) => void binaryen.Block.setChildAt(statement, i, lowerStatement(child, lowering)),
      );
      return statement;
    case binaryen.LoopId:
      binaryen.Loop.setBody(statement, lowerStatement(info.body, lowering));
      return statement;
    case binaryen.IfId:
      binaryen.If.setIfTrue(statement, lowerStatement(info.ifTrue, lowering));
      if (info.ifFalse) binaryen.If.setIfFalse(statement, lowerStatement(info.ifFalse, lowering));
      return statement;
    case binaryen.LocalSetId:
      if (binaryen.getExpressionId(info.value) === binaryen.SIMDExtractId) lowering.extract(statement, info.value);
      return lowering.lanesOf.has(info.index)
        ? lowering.set(info.index, binaryen.getExpressionInfo(info.value))
        : statement;
    case binaryen.StoreId:
      return binaryen.getExpressionType(info.value) === binaryen.v128 ? lowering.store(info) : statement;
    case binaryen.DropId:
      return lowering.isLocal(info.value) ? lowering.module.nop() : statement;
    default:
      return statement;
  }
}

/** The lanes of one function's v128 values. */
class Lowering {
  constructor(module, lanesOf, addLocal) {
    this.module = module;
    this.lanesOf = lanesOf;
    this.addLocal = addLocal;
    const { f32, i32 } = module;
    const mask = (compare) => (a, b) => f32.reinterpret(i32.sub(i32.const(0), compare(a, b)));
    const integers = (operation) => (a, b) => f32.reinterpret(operation(i32.reinterpret(a), i32.reinterpret(b)));
    /** Operations on two values of which each lane depends on the same lane only; operands may be read several times. */
    this.binary = new Map([
      [ops.AddVecF32x4, f32.add],
      [ops.SubVecF32x4, f32.sub],
      [ops.MulVecF32x4, f32.mul],
      [ops.DivVecF32x4, f32.div],
      [ops.MinVecF32x4, f32.min],
      [ops.MaxVecF32x4, f32.max],
      [ops.EqVecF32x4, mask(f32.eq)],
      [ops.NeVecF32x4, mask(f32.ne)],
      [ops.GtVecF32x4, mask(f32.gt)],
      [ops.LtVecF32x4, mask(f32.lt)],
      [ops.GeVecF32x4, mask(f32.ge)],
      [ops.LeVecF32x4, mask(f32.le)],
      [ops.AndVec128, integers(i32.and)],
      [ops.OrVec128, integers(i32.or)],
      [ops.XorVec128, integers(i32.xor)],
      [ops.AddVecI32x4, integers(i32.add)],
      [ops.SubVecI32x4, integers(i32.sub)],
      [ops.MulVecI32x4, integers(i32.mul)],
    ]);
  }

  /** Whether an operand is a v128 local. */
  isLocal(operand) {
    return (
      binaryen.getExpressionId(operand) === binaryen.LocalGetId &&
      this.lanesOf.has(binaryen.getExpressionInfo(operand).index)
    );
  }

  /** A lane of an operand, made anew at each call, for an expression has one place only. */
  lane(operand, i) {
    if (this.isLocal(operand)) {
      const { index } = binaryen.getExpressionInfo(operand);
      return this.module.local.get(this.lanesOf.get(index)[i], binaryen.f32);
    }
    if (binaryen.getExpressionId(operand) === binaryen.ConstId) {
      const { value } = binaryen.getExpressionInfo(operand);
      return this.module.f32.reinterpret(this.module.i32.const(bytesToWord(value, i)));
    }
    throw new Error(`lowerSimd: an operand that is neither a local nor a constant: ${binaryen.emitText(operand)}`);
  }

  copy(operand) {
    return this.module.copyExpression(operand);
  }

  block(statements) {
    return this.module.block(null, statements, binaryen.none);
  }

  /** `number = lane of a v128`. */
  extract(statement, value) {
    const { op, vec, index } = binaryen.getExpressionInfo(value);
    if (op === ops.ExtractLaneVecF32x4) binaryen.LocalSet.setValue(statement, this.lane(vec, index));
  }

  load({ offset, align, ptr }, i) {
    const load = this.module.f32.load(offset + 4 * i, Math.min(4, align), this.copy(ptr));
    // Made by this interface it counts as signed, which binaryen keeps where it reads the bits as an unsigned integer.
    binaryen.Load.setSigned(load, false);
    return load;
  }

  store({ offset, align, ptr, value }) {
    const { module } = this;
    const size = Math.min(4, align);
    return this.block(LANES.map((i) => module.f32.store(offset + 4 * i, size, this.copy(ptr), this.lane(value, i))));
  }

  /** `local = value` for all four lanes. */
  set(local, value) {
    const { module } = this;
    const { f32, i32 } = module;
    const lane = (operand, i) => this.lane(operand, i);
    const targets = this.lanesOf.get(local);
    /** Lanes that depend on the same lane of the operands can be set one after the other. */
    const each = (make) => this.block(LANES.map((i) => module.local.set(targets[i], make(i))));
    const unknown = () => new Error(`lowerSimd: an operation that is not known here, ${value.id}/${value.op}.`);
    switch (value.id) {
      case binaryen.LocalGetId:
        return each((i) => module.local.get(this.lanesOf.get(value.index)[i], binaryen.f32));
      case binaryen.ConstId:
        return each((i) => f32.reinterpret(i32.const(bytesToWord(value.value, i))));
      case binaryen.LoadId:
        if (value.isAtomic || value.bytes !== 16) throw unknown();
        return each((i) => this.load(value, i));
      case binaryen.SIMDLoadId: {
        if (value.op === ops.Load32SplatVec128) return each(() => this.load(value, 0));
        if (value.op === ops.Load64ZeroVec128) return each((i) => (i < 2 ? this.load(value, i) : f32.const(0)));
        throw unknown();
      }
      case binaryen.UnaryId:
        if (value.op === ops.SplatVecF32x4) return each(() => this.copy(value.value));
        if (value.op === ops.SplatVecI32x4) return each(() => f32.reinterpret(this.copy(value.value)));
        if (value.op === ops.AbsVecF32x4) return each((i) => f32.abs(lane(value.value, i)));
        if (value.op === ops.NegVecF32x4) return each((i) => f32.neg(lane(value.value, i)));
        if (value.op === ops.SqrtVecF32x4) return each((i) => f32.sqrt(lane(value.value, i)));
        if (value.op === ops.PromoteLowVecF32x4ToVecF64x2)
          return this.setDoubles(
            targets,
            [0, 1].map((i) => module.f64.promote(lane(value.value, i))),
          );
        throw unknown();
      case binaryen.BinaryId: {
        const { op, left, right } = value;
        const operation = this.binary.get(op);
        if (operation) return each((i) => operation(lane(left, i), lane(right, i)));
        // Which of the two is kept where one of them is NaN, or both are zeros, is part of these operations.
        const keep = (condition) => each((i) => module.select(condition(i), lane(right, i), lane(left, i)));
        if (op === ops.PMinVecF32x4) return keep((i) => f32.lt(lane(right, i), lane(left, i)));
        if (op === ops.PMaxVecF32x4) return keep((i) => f32.lt(lane(left, i), lane(right, i)));
        if (op === ops.AddVecF64x2)
          return this.setDoubles(
            targets,
            [0, 1].map((i) => module.f64.add(this.double(left, i), this.double(right, i))),
          );
        throw unknown();
      }
      case binaryen.SIMDTernaryId: {
        if (value.op !== ops.BitselectVec128) throw unknown();
        const bits = (operand, i) => i32.reinterpret(lane(operand, i));
        return each((i) =>
          f32.reinterpret(
            i32.or(
              i32.and(bits(value.a, i), bits(value.c, i)),
              i32.and(bits(value.b, i), i32.xor(bits(value.c, i), i32.const(-1))),
            ),
          ),
        );
      }
      case binaryen.SIMDShiftId:
        if (value.op !== ops.ShlVecI32x4) throw unknown();
        return each((i) => f32.reinterpret(i32.shl(i32.reinterpret(lane(value.vec, i)), this.copy(value.shift))));
      case binaryen.SIMDShuffleId: {
        const { left, right, mask } = value;
        const sources = LANES.map((i) => laneOfMask(mask, i));
        return this.setLater(
          targets,
          binaryen.f32,
          sources.map((from) => lane(from < 4 ? left : right, from % 4)),
          (x) => x,
        );
      }
      case binaryen.SelectId:
        return each((i) => module.select(this.copy(value.condition), lane(value.ifTrue, i), lane(value.ifFalse, i)));
      default:
        throw unknown();
    }
  }

  /** A float64 from two neighbouring lanes, low word first. */
  double(operand, i) {
    const { f64, i32, i64 } = this.module;
    const word = (lane) => i64.extend_u(i32.reinterpret(this.lane(operand, lane)));
    return f64.reinterpret(i64.or(word(2 * i), i64.shl(word(2 * i + 1), i64.const(32n))));
  }

  /** Two float64 to four lanes, none of which is written before all operands are read. */
  setDoubles(targets, doubles) {
    const { f32, i32, i64 } = this.module;
    const word = (get, i) => {
      const bits = i64.reinterpret(get());
      return f32.reinterpret(i32.wrap(i % 2 ? i64.shr_u(bits, i64.const(32n)) : bits));
    };
    const locals = doubles.map(() => this.addLocal(binaryen.f64));
    return this.block([
      ...doubles.map((value, i) => this.module.local.set(locals[i], value)),
      ...LANES.map((i) =>
        this.module.local.set(
          targets[i],
          word(() => this.module.local.get(locals[i >> 1], binaryen.f64), i),
        ),
      ),
    ]);
  }

  /** Lanes that are moved: all are read before the first is written. */
  setLater(targets, type, values) {
    const locals = values.map(() => this.addLocal(type));
    return this.block([
      ...values.map((value, i) => this.module.local.set(locals[i], value)),
      ...targets.map((target, i) => this.module.local.set(target, this.module.local.get(locals[i], type))),
    ]);
  }
}

/** Lane `i` of a constant's sixteen bytes. */
function bytesToWord(bytes, i) {
  return bytes[4 * i] | (bytes[4 * i + 1] << 8) | (bytes[4 * i + 2] << 16) | (bytes[4 * i + 3] << 24);
}

/** Which of the eight lanes of two values a shuffle takes for lane `i`. */
function laneOfMask(mask, i) {
  const from = mask[4 * i] / 4;
  if (!Number.isInteger(from) || [1, 2, 3].some((byte) => mask[4 * i + byte] !== 4 * from + byte))
    throw new Error(`lowerSimd: a shuffle that does not move whole lanes: ${mask.join(", ")}.`);
  return from;
}
