/** The subprotocols of STOMP over WebSocket. */

/** The highest first: of several that a client offers, that one is taken. */
export const SUBPROTOCOLS: readonly string[] = ['v12.stomp', 'v11.stomp', 'v10.stomp', 'stomp']

/** The best of those offered; '' where none of them is STOMP's. */
export function bestOf(offered: Iterable<string>): string {
  const all = [...offered]
  return SUBPROTOCOLS.find((name) => all.includes(name)) ?? ''
}
