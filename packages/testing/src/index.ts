/**
 * A STOMP broker for tests: no port, sockets for unmodified clients, faults, a clock that you move, matchers. Make one
 * with {@link createTestBroker}.
 *
 * @module @xtomp/testing
 */

export type { BrokerFaults, Fault, Faults, FaultyAnswer, SwallowOptions } from './faults.js'
export { GlobalClock } from './global-clock.js'
export type { GlobalTimers } from './global-timers.js'
export { ManualClock, type ManualClockOptions } from './manual-clock.js'
export {
  type ExpectedMessage,
  type ExpectedSubscription,
  type MatcherAnswer,
  type MatcherContext,
  type StompMatchers,
  stompMatchers,
} from './matchers.js'
export { createMemoryBackplane } from './memory-backplane.js'
export type { ReceivedMessage, WaitOptions } from './received-messages.js'
export type { SessionSubscription } from './subscriptions.js'
export { createTestBroker, type TestBroker, type TestBrokerOptions, type TestConnection } from './test-broker.js'
export type { TestWebSocket, TestWebSocketEvent, TestWebSocketListener, WebSocketData } from './web-socket.js'
