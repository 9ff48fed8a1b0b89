/** What connections cost: every figure by which the doctor judges, and where it was measured. */

/** Octets and counts, rounded up. */
export const COSTS = {
  /**
   * Memory of the process for an idle connection with one subscription, in octets. TCP: 4,438 and 4,637 as it stands, in
   * docs/performance.md. WebSocket 6,870 and TLS 25,362, by one run each: there, "What the kernel needs"; with room
   * for how far such runs are apart.
   */
  tcpBytes: 4_700,
  webSocketBytes: 9_216,
  tlsBytes: 27_648,
  /** The part of it that counts against the heap limit: 2,485 by class, in docs/performance.md. */
  heapBytes: 2_500,
  /** Memory of the kernel for an idle TCP socket in an epoll set: a sum of its objects, docs/performance.md, "What the kernel needs". */
  kernelBytes: 4_096,
  /** A process before its first connection: 60 MiB, docs/performance.md, "Memory has a bound". */
  processBytes: 60 * 1024 ** 2,
  /** The part of it that is in the heap. */
  processHeapBytes: 30 * 1024 ** 2,
  /** Files that a process has open beside its connections: code, doors, streams, epoll, certificates. */
  processFiles: 100,
  /** Threads of a process: its own, four of V8, four of libuv, and those of the log, with room for a second such set. */
  processThreads: 24,
  /**
   * What the fullest worker has, as a multiple of its share, where the primary deals connections out. 1.08 to 1.18 in
   * docs/performance.md, "How evenly workers share connections".
   */
  mostDealt: 1.2,
  /** How many connections may wait at a door until they are accepted: `listeners[].backlog`. */
  backlog: 4_096,
  /** What the broker may hold of what clients give it: `limits.totalBytes`. */
  totalBytes: 256 * 1024 ** 2,
  /** What one subscription is counted as there: 400, its id and its destination. */
  subscriptionBytes: 450,
} as const
