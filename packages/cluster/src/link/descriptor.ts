/** Where a worker finds its end of the link: a socket pair that it inherits, without a name that others could open. */

/** The descriptor's number, behind those of the standard streams. */
export const LINK_FD = 3
