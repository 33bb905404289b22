import { DataFormatError } from "@acr/core";
import { type FileSource, nameOfSource } from "./image-source.js";

/** The bytes of a source; a response other than 2xx is a fault, not a picture. */
export async function readSource(source: FileSource): Promise<Blob> {
  if (source instanceof Blob) return source;
  if (typeof source === "object" && "blob" in source) return source.blob;
  const file = nameOfSource(source);
  const url = typeof source === "object" && "url" in source ? source.url : source;
  const response = await fetch(url).catch((cause) => {
    throw new DataFormatError("cannot be fetched. Check the address and whether its server allows other origins.", {
      file,
      cause,
    });
  });
  if (!response.ok) throw new DataFormatError(`cannot be fetched: the server answered ${response.status}.`, { file });
  return response.blob();
}
