import * as zlib from "node:zlib";
import { crc32 } from "@acr/core";

/** CRC-32 of bytes; native from Node 20.15 on. */
export const checksum: (bytes: Uint8Array) => number = typeof zlib.crc32 === "function" ? zlib.crc32 : crc32;
