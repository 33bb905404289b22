import { InvalidArgumentError, StorageError } from "@acr/core";
import type { S3ClientConfig } from "@aws-sdk/client-s3";
import type { RunStore } from "./run-store.js";

/** Options of `createS3Store`. */
export interface S3StoreOptions {
  /** The bucket; it must exist. */
  bucket: string;
  /** Put before every key, without a slash at its end. Default: nothing. */
  prefix?: string;
  /**
   * Settings of the client, e.g. `{ endpoint: "http://minio:9000", forcePathStyle: true }`. Credentials, region and endpoint
   * otherwise come from where all AWS programs look: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`,
   * `AWS_ENDPOINT_URL_S3`, `~/.aws`, the role of the machine.
   */
  client?: S3ClientConfig;
}

/** What the server's error codes mean here. */
const HINTS: Record<string, string> = {
  NoSuchBucket: "the bucket does not exist",
  AccessDenied: "access is denied",
  Forbidden: "access is denied",
  InvalidAccessKeyId: "the access key is not known there (AWS_ACCESS_KEY_ID)",
  SignatureDoesNotMatch: "the secret key is wrong (AWS_SECRET_ACCESS_KEY)",
  CredentialsProviderError: "there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
  ECONNREFUSED: "nothing answers there",
  ENOTFOUND: "there is no such host",
  TimeoutError: "it does not answer in time",
};

/**
 * A store in a bucket of S3 or of any server that speaks its language (MinIO, Ceph, R2, …). Failed requests are tried again
 * with back-off, four times.
 *
 * @throws {InvalidArgumentError} the package `@aws-sdk/client-s3` is not installed.
 * @throws {StorageError} (of the store's functions) the server, the bucket or the credentials are wrong or out of reach.
 * @example const store = await createS3Store({ bucket: "training", prefix: "losses" });
 */
export async function createS3Store({ bucket, prefix, client: config = {} }: S3StoreOptions): Promise<RunStore> {
  const { S3Client, PutObjectCommand, GetObjectCommand, ListObjectsV2Command } = await import(
    "@aws-sdk/client-s3"
  ).catch((cause) => {
    throw new InvalidArgumentError("sweep: a store on S3 needs one more package: npm i @aws-sdk/client-s3.", { cause });
  });
  const endpoint = config.endpoint ?? process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL;
  const client = new S3Client({
    maxAttempts: 5,
    // Servers of other makers are seldom reachable as bucket.host, and any region will do for them.
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true, region: process.env.AWS_REGION ?? "us-east-1" }),
    // Checksums of newer kinds, which older servers refuse, only where the call needs one.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    ...config,
  });
  const lead = prefix ? `${prefix.replaceAll(/^\/+|\/+$/g, "")}/` : "";
  const attempt = async <T>(what: string, action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (error) {
      const { name, code, message } = error as { name: string; code?: string; message: string };
      // Faults of the network arrive wrapped, their code in the text.
      const inText = Object.keys(HINTS).find((key) => message?.includes(key));
      const reason = HINTS[name] ?? HINTS[code ?? ""] ?? HINTS[inText ?? ""] ?? (message || name);
      throw new StorageError(
        `sweep: cannot ${what} in s3://${bucket}${lead ? `/${lead}` : ""}${endpoint ? ` at ${String(endpoint)}` : ""}: ${reason}.`,
        { cause: error },
      );
    }
  };
  return {
    put: (key, bytes) =>
      attempt(`write ${key}`, async () => {
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: lead + key, Body: bytes }));
      }),
    get: (key) =>
      attempt(`read ${key}`, async () => {
        try {
          const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: lead + key }));
          return await Body!.transformToByteArray();
        } catch (error) {
          if ((error as Error).name === "NoSuchKey") return undefined;
          throw error;
        }
      }),
    list: (start) =>
      attempt("list objects", async () => {
        const keys: string[] = [];
        let token: string | undefined;
        do {
          const page = await client.send(
            new ListObjectsV2Command({ Bucket: bucket, Prefix: lead + start, ContinuationToken: token }),
          );
          for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key.slice(lead.length));
          token = page.IsTruncated ? page.NextContinuationToken : undefined;
        } while (token !== undefined);
        return keys.sort();
      }),
  };
}
