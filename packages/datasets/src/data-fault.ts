/** A file, or a line of it, that does not hold what it should. */
export interface DataFault {
  file: string;
  /** One-based. */
  line?: number;
  message: string;
}
