import { createHash, createHmac } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { StorageError } from "@acr/core";
import { createS3Store } from "./create-s3-store.js";

/** Enough of S3 for a store: PUT, GET and ListObjectsV2 with pages, errors as XML, and signatures that are checked. */
class SmallS3 {
  readonly objects = new Map<string, Buffer>();
  /** Requests to answer with 503 before the next one is served. */
  faults = 0;
  requests = 0;
  private readonly server: Server;

  constructor(private readonly secret: string) {
    this.server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part) => parts.push(part));
      request.on("end", () => {
        this.requests++;
        const url = new URL(request.url!, "http://x");
        const fail = (status: number, code: string) =>
          response
            .writeHead(status, { "content-type": "application/xml" })
            .end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
        if (this.faults > 0) {
          this.faults--;
          return fail(503, "SlowDown");
        }
        const body = Buffer.concat(parts);
        if (!this.isSigned(request.method!, url, request.headers as Record<string, string>))
          return fail(403, "SignatureDoesNotMatch");
        const [, bucket, ...rest] = url.pathname.split("/");
        if (bucket !== "runs") return fail(404, "NoSuchBucket");
        const key = decodeURIComponent(rest.join("/"));
        if (request.method === "PUT") {
          this.objects.set(key, body);
          return response.writeHead(200, { etag: '"x"' }).end();
        }
        if (url.searchParams.get("list-type") === "2") return response.end(this.page(url));
        const found = this.objects.get(key);
        if (!found) return fail(404, "NoSuchKey");
        response.writeHead(200, { "content-length": found.length }).end(found);
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Two keys a page. */
  private page({ searchParams }: URL): string {
    const prefix = searchParams.get("prefix") ?? "";
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    const from = Number(searchParams.get("continuation-token") ?? 0);
    const contents = keys.slice(from, from + 2).map((key) => `<Contents><Key>${key}</Key></Contents>`);
    const more = from + 2 < keys.length;
    return `<ListBucketResult>${contents.join("")}<IsTruncated>${more}</IsTruncated>${more ? `<NextContinuationToken>${from + 2}</NextContinuationToken>` : ""}</ListBucketResult>`;
  }

  /** AWS signature, version 4, written from its description. */
  private isSigned(method: string, url: URL, headers: Record<string, string>): boolean {
    const [, scope, names, signature] =
      /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]+)/.exec(headers.authorization ?? "") ?? [];
    if (!scope || !names) return false;
    const query = [...url.searchParams]
      .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
      .sort()
      .join("&");
    const canonical = [
      ...[method, url.pathname, query],
      ...names.split(";").map((name) => `${name}:${headers[name]}`),
      ...["", names, headers["x-amz-content-sha256"]],
    ].join("\n");
    const hash = createHash("sha256").update(canonical).digest("hex");
    const text = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hash].join("\n");
    const key = scope
      .split("/")
      .reduce<string | Buffer>(
        (secret, part) => createHmac("sha256", secret).update(part).digest(),
        `AWS4${this.secret}`,
      );
    return createHmac("sha256", key).update(text).digest("hex") === signature;
  }
}

const server = new SmallS3("secret");
let endpoint = "";
beforeAll(async () => {
  endpoint = await server.listen();
});
afterAll(() => server.close());
beforeEach(() => server.objects.clear());

const store = (more: object = {}, { bucket = "runs", prefix }: { bucket?: string; prefix?: string } = {}) =>
  createS3Store({
    bucket,
    ...(prefix !== undefined && { prefix }),
    client: {
      endpoint,
      forcePathStyle: true,
      region: "us-east-1",
      credentials: { accessKeyId: "me", secretAccessKey: "secret" },
      ...more,
    },
  });

it("createS3Store puts, gets and lists objects below its prefix, over several pages", async () => {
  const runs = await store({}, { prefix: "/losses/" });
  const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i);
  for (const name of ["a/1", "a/2", "a/3 é", "b/1", "a/4"]) await runs.put(name, bytes);
  expect([...server.objects.keys()].every((key) => key.startsWith("losses/"))).toBe(true);
  expect(await runs.list("a/")).toEqual(["a/1", "a/2", "a/3 é", "a/4"]);
  expect(await runs.list("c/")).toEqual([]);
  expect(Buffer.from((await runs.get("a/3 é"))!).equals(bytes)).toBe(true);
  expect(await runs.get("a/none")).toBeUndefined();
  await runs.put("a/1", Uint8Array.of(7));
  expect([...(await runs.get("a/1"))!]).toEqual([7]);
});

it("createS3Store tries again when the server is busy", async () => {
  server.faults = 2;
  const before = server.requests;
  await (await store()).put("a", Uint8Array.of(1));
  expect(server.requests - before).toBe(3);
  expect(server.objects.size).toBe(1);
}, 30_000);

it("createS3Store says what is wrong with bucket, secret, credentials and address", async () => {
  const put = async (...args: Parameters<typeof store>) => (await store(...args)).put("a", Uint8Array.of(1));
  await expect(put({}, { bucket: "nowhere" })).rejects.toBeInstanceOf(StorageError);
  await expect(put({}, { bucket: "nowhere" })).rejects.toThrow(
    `cannot write a in s3://nowhere at ${endpoint}: the bucket does not exist`,
  );
  const wrong = { accessKeyId: "me", secretAccessKey: "guess" };
  await expect(put({ credentials: wrong })).rejects.toThrow("the secret key is wrong");
  await expect(put({ endpoint: "http://127.0.0.1:1", maxAttempts: 1 })).rejects.toThrow("nothing answers there");
  await expect((await store({ credentials: wrong })).list("")).rejects.toThrow("cannot list objects in s3://runs at");
});
