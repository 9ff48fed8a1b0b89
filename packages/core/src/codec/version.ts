/** The three versions of the protocol, and how one is agreed on. */

/** A protocol version. */
export type Version = '1.0' | '1.1' | '1.2'

/** Highest first: the order of preference. */
export const VERSIONS: readonly Version[] = ['1.2', '1.1', '1.0']

/**
 * The highest version that both know, or undefined where there is none (STOMP 1.2, Protocol Negotiation).
 * A client that sends no `accept-version` speaks 1.0.
 */
export function negotiateVersion(acceptVersion: string | undefined): Version | undefined {
  if (acceptVersion === undefined) return '1.0'
  const accepted = acceptVersion.split(',').map((version) => version.trim())
  return VERSIONS.find((version) => accepted.includes(version))
}
