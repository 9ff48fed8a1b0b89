/** How a subscription acknowledges (STOMP 1.2, SUBSCRIBE ack Header). */

/** `auto`: by being sent. `client`: each ACK is for all before it, too. `client-individual`: each ACK is for one. */
export type AckMode = 'auto' | 'client' | 'client-individual'
