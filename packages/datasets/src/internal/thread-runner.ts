import { Worker } from "node:worker_threads";
import type { FaceOutcome, FaceRunner, FaceTask } from "./face-task.js";
import type { DecoderName } from "./image-decoder.js";

/** What a thread is started with. */
export interface WorkerSettings {
  isAcrFaceWorker: true;
  augmentation?: { module: string; name: string; options: Readonly<Record<string, unknown>> };
  decoder?: DecoderName;
}

interface Job {
  task: FaceTask;
  resolve(outcome: FaceOutcome): void;
}
interface Thread {
  worker: Worker;
  /** Lists of jobs that were sent and are not answered, in order. */
  sent: Job[][];
  faces: number;
}

/** Faces that travel in one message: enough to make its cost small, few enough to share the work evenly. */
const LIST = 4;

/**
 * Does tasks in threads. Tasks are sent at once, so that a thread has work while the main one is busy with a training
 * step; the caller bounds how many are under way. Idle threads do not keep the process alive.
 */
export class ThreadRunner implements FaceRunner {
  private readonly threads: Thread[] = [];
  private waiting: Job[] = [];
  private isFlushing = false;
  private isClosed = false;

  constructor(
    private readonly program: string,
    private readonly count: number,
    private readonly settings: WorkerSettings,
  ) {}

  get drawsPixels(): boolean {
    return this.settings.augmentation !== undefined;
  }

  run(task: FaceTask): Promise<FaceOutcome> {
    return new Promise((resolve) => {
      this.waiting.push({ task, resolve });
      if (this.isFlushing) return;
      this.isFlushing = true;
      // The tasks of one turn travel together.
      queueMicrotask(() => this.flush());
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const threads = this.threads.splice(0);
    const jobs = [...this.waiting.splice(0), ...threads.flatMap(({ sent }) => sent.flat())];
    for (const { resolve } of jobs) resolve({ message: "was given up: the loader was closed.", isData: true });
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  private flush(): void {
    this.isFlushing = false;
    const jobs = this.waiting;
    this.waiting = [];
    for (let start = 0; start < jobs.length; start += LIST) this.send(jobs.slice(start, start + LIST));
  }

  private send(jobs: Job[]): void {
    if (this.isClosed) {
      for (const { resolve } of jobs) resolve({ message: "was given up: the loader was closed.", isData: true });
      return;
    }
    if (this.threads.length < this.count) this.threads.push(this.start());
    const thread = this.threads.reduce((least, other) => (other.faces < least.faces ? other : least));
    thread.sent.push(jobs);
    thread.faces += jobs.length;
    // A thread keeps the process alive only while someone waits for a face.
    thread.worker.ref();
    thread.worker.postMessage(jobs.map(({ task }) => task));
  }

  private start(): Thread {
    const worker = new Worker(this.program, { workerData: this.settings });
    const thread: Thread = { worker, sent: [], faces: 0 };
    let reason = "its thread ended";
    worker.on("message", (outcomes: FaceOutcome[]) => {
      const jobs = thread.sent.shift() ?? [];
      thread.faces -= jobs.length;
      // An answer may still arrive while `close` awaits the thread's end, which must then keep the process alive.
      if (thread.sent.length === 0 && !this.isClosed) worker.unref();
      jobs.forEach(({ resolve }, i) => resolve(outcomes[i]!));
    });
    worker.on("error", (error) => {
      reason = `its thread failed (${error instanceof Error ? error.message : String(error)})`;
    });
    worker.on("exit", () => this.bury(thread, reason));
    return thread;
  }

  /** One face of the first list ended the thread; done one by one, it is found and the others are saved. */
  private bury(thread: Thread, reason: string): void {
    const place = this.threads.indexOf(thread);
    if (place < 0) return;
    this.threads.splice(place, 1);
    const [first = [], ...later] = thread.sent;
    const [only] = first;
    if (first.length === 1)
      only!.resolve({ message: `cannot be decoded: ${reason}. Replace or remove it.`, isData: true });
    else for (const job of first) this.send([job]);
    for (const jobs of later) this.send(jobs);
  }
}
