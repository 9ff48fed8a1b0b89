/** What the doctor knows of a machine; what is undefined cannot be seen. */

/** The most that a process may have, and the most to which it may raise that by itself; Infinity for no limit. */
export interface SoftAndHard {
  readonly soft: number
  readonly hard: number
}

/** Three figures, as `tcp_rmem` and `tcp_wmem` have them, in octets. */
export interface BufferSizes {
  /** Granted to every socket, however short memory is. */
  readonly least: number
  readonly byDefault: number
  readonly most: number
}

/** What all TCP sockets together may hold of what is under way, in octets. */
export interface TcpMemory {
  /** Beyond this packets are dropped. */
  readonly most: number
  readonly pageBytes: number
}

/** What becomes of connections that are begun, and whose client has not answered yet. */
export interface SynQueue {
  /** Whether those that find no place get a cookie instead. */
  readonly hasCookies: boolean
  readonly most: number
}

/** The kernel's table of connections, for firewalls and address translation. */
export interface Conntrack {
  readonly most: number
  readonly count: number
  readonly buckets: number | undefined
}

/** A limit of the control group that has the least room left, of those that hold for this process. */
export interface GroupLimit {
  /** The file that sets it, as the machine has it. */
  readonly file: string
  /** Whether it stands at the top: there a machine has none, and only a container, which sees no higher, has one. */
  readonly isOfContainer: boolean
  readonly limit: number
  readonly used: number
}

/** The service of systemd that this process is part of. */
export interface Unit {
  readonly name: string
  /** Whether it is one of a user's own, whose files are elsewhere. */
  readonly isUsers: boolean
  /** What its files say; undefined where they say nothing. */
  readonly openFiles: SoftAndHard | undefined
}

/** Something that may be there or not, where one can see which. */
export type Maybe<Thing> = Thing | 'none' | undefined

/** A machine, as it is seen from a process. */
export interface Facts {
  readonly platform: NodeJS.Platform
  readonly isRoot: boolean
  /** Whether it may raise hard limits, as root may unless a container has taken that from it. */
  readonly mayRaiseLimits: boolean | undefined
  readonly isInContainer: boolean
  /** Processors that may be used, a quota of the control group included: 0.5 is half of one. */
  readonly cores: number
  /** How large V8 lets its heap become. */
  readonly heapLimitBytes: number
  readonly openFiles: SoftAndHard | undefined
  readonly nrOpen: number | undefined
  readonly fileMax: number | undefined
  /** Files that are open on the whole machine. */
  readonly filesOpen: number | undefined
  /** Files of one user that epoll may watch. */
  readonly epollWatches: number | undefined
  /** How many ports a client of this machine may use towards one port. */
  readonly clientPorts: number | undefined
  readonly somaxconn: number | undefined
  readonly synQueue: SynQueue | undefined
  readonly tcpMemory: TcpMemory | undefined
  readonly tcpReceive: BufferSizes | undefined
  readonly tcpSend: BufferSizes | undefined
  readonly conntrack: Maybe<Conntrack>
  readonly availableBytes: number | undefined
  readonly groupMemory: Maybe<GroupLimit>
  readonly groupPids: Maybe<GroupLimit>
  readonly unit: Maybe<Unit>
}
