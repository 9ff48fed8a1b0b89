/**
 * xtomp's core: a STOMP 1.0, 1.1 and 1.2 broker that does no I/O of its own. Make one with {@link createBroker}, and
 * give it a door.
 *
 * @module @xtomp/core
 */

export type { AckMode } from './ack-mode.js'
export type { Broker, BrokerStats, CloseOptions, Door, PublishOptions } from './broker/broker.js'
export { createBroker } from './broker/create-broker.js'
export type { BrokerEvents, SubscriptionInfo } from './broker/events.js'
export type { HostDelivery, HostSubscribeOptions, HostSubscription } from './broker/host-subscription.js'
export { connectMemory, type MemoryClient, type MemoryReceiver } from './broker/memory-connection.js'
export { createMemoryStore } from './broker/memory-store.js'
export type { BrokerOptions, Limits } from './broker/options.js'
export { type Clock, systemClock } from './clock.js'
export type { FrameLimits } from './codec/limits.js'
export type { Version } from './codec/version.js'
export type { DestinationLimits, GiveUpReason } from './destination/context.js'
export type { DestinationSnapshot } from './destination/local.js'
export type { DestinationRule, FullPolicy, SlowPolicy } from './destination/policy.js'
export { ERROR_CODES, type ErrorCode, type Excess, ProtocolError, Refusal, StompError } from './errors.js'
export { Headers, type HeadersInit } from './headers.js'
export type { LogFields, Logger } from './logger.js'
export type { Message, MessageChanges } from './message.js'
export type { CloseReason, Connection, ConnectionInfo, Inbound } from './ports/connection.js'
export type { Settlement, Store, StoreBatch, StoredEntry } from './ports/store.js'
export type { SessionLimits } from './session/context.js'
export type { HeartBeatOptions } from './session/heart-beat.js'
export type {
  AccessRequest,
  Answer,
  ConnectRequest,
  Credentials,
  DeliveryContext,
  Hooks,
  MessageContext,
  SessionInfo,
  SessionSnapshot,
  SubscribeRequest,
} from './session/hooks.js'
