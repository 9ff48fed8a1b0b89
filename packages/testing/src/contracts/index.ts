/**
 * The contracts of the ports, for whoever writes an adapter: lists of cases that run under any test runner.
 *
 * @module @xtomp/testing/contracts
 */

export { type BackplaneHarness, type BackplaneMessage, backplaneContract } from './backplane-contract.js'
export {
  type ConnectionHarness,
  type ConnectionPeer,
  type ConnectionPeerEvents,
  connectionContract,
} from './connection-contract.js'
export type { Contract } from './contract.js'
export { type DestinationHarness, type DestinationMessage, destinationContract } from './destination-contract.js'
export { type StoreHarness, storeContract } from './store-contract.js'
