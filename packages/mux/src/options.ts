/** What a door for all may be told, its defaults, and the check that it makes sense. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { inspect } from 'node:util'
import type { ListenOptions } from '@xtomp/net'
import { checkNames, type ListenSettings, LONGEST_MS, numberOf, settingsOf as placeOf } from '@xtomp/net/socket'
import { TLS_OPTIONS, type TlsOptions, type TlsSettings, tlsSettingsOf } from '@xtomp/tls/socket'
import type { WebSocketOptions } from '@xtomp/ws'
import type { HealthOptions } from './health.js'
import { type ProxyOptions, Trust } from './trust.js'

/** How what comes is secured. */
export interface MuxTlsOptions extends TlsOptions {
  /** Turns away what comes without TLS, with an ERROR `tls-required`. @defaultValue what `requestCert` is */
  readonly required?: boolean | undefined
}

/** How WebSockets are taken; whom to trust is said once, in `proxy`. */
type MuxWebSocketOptions = Omit<WebSocketOptions, 'trust'>

/** Where to listen, and what is served there. */
export interface MuxOptions extends ListenOptions {
  /** Serves all of it under TLS as well: `cert`, `key` and whatever `@xtomp/tls` takes. @defaultValue no TLS */
  readonly tls?: MuxTlsOptions | undefined
  /** How WebSockets are taken, as `attach` of `@xtomp/ws` is told; false for none. @defaultValue at `/` and `/stomp` */
  readonly ws?: MuxWebSocketOptions | false | undefined
  /** The path that answers whether the broker is well; with facts of the host's own; false for none. @defaultValue '/health' */
  readonly health?: string | false | HealthOptions | undefined
  /** Answers every other request: an Express application, say. @defaultValue 404, and a text that says what there is */
  readonly http?: ((request: IncomingMessage, response: ServerResponse) => unknown) | undefined
  /** Who may tell of others, by PROXY headers and `X-Forwarded-For`. @defaultValue nobody */
  readonly proxy?: ProxyOptions | undefined
  /**
   * How long a client may take until it is known what it speaks, a PROXY header and the TLS handshake included, and again
   * until the head of a request is whole, in milliseconds. @defaultValue 10,000
   */
  readonly firstOctetsTimeoutMs?: number | undefined
}

/** Options with nothing left open. */
export interface MuxSettings extends ListenSettings {
  readonly health: HealthOptions & { readonly path: string | undefined }
  readonly http: MuxOptions['http']
  readonly tls: (TlsSettings & { readonly isRequired: boolean }) | undefined
  readonly ws: MuxWebSocketOptions | false
  readonly trust: Trust
  readonly firstOctetsTimeoutMs: number
}

const NAMES = ['tls', 'ws', 'health', 'http', 'proxy', 'firstOctetsTimeoutMs']
const FIRST_OCTETS = { least: 1, most: LONGEST_MS, byDefault: 10_000 } as const

/** Options with their defaults filled in. @throws TypeError where one is unknown or makes no sense */
export function settingsOf(options: MuxOptions): MuxSettings {
  const { http } = options
  if (http !== undefined && typeof http !== 'function')
    throw new TypeError(`http must be a function of a request and a response; given ${inspect(http)}`)
  return {
    ...placeOf(options, { others: NAMES }),
    health: healthOf(options.health),
    http,
    tls: secureOf(options.tls),
    ws: webSocketsOf(options.ws),
    trust: new Trust(options.proxy),
    firstOctetsTimeoutMs: numberOf('firstOctetsTimeoutMs', options.firstOctetsTimeoutMs, FIRST_OCTETS),
  }
}

function secureOf(given: MuxOptions['tls']): MuxSettings['tls'] {
  if (given === undefined) return undefined
  checkObject('tls', given)
  checkNames(given, [...TLS_OPTIONS, 'required'])
  const { required } = given
  if (required !== undefined && typeof required !== 'boolean')
    throw new TypeError(`tls.required must be true or false; given ${inspect(required)}`)
  const settings = tlsSettingsOf(given)
  // Without TLS nobody shows a certificate: who asks for them means to be told who everybody is.
  return { ...settings, isRequired: required ?? settings.requestCert }
}

/** Where browsers look when they are given no path, and where they are told to look. */
const WEB_SOCKET_PATHS = ['/', '/stomp']

/** What else is wrong with them their door says. */
function webSocketsOf(given: MuxOptions['ws'] = {}): MuxSettings['ws'] {
  if (given === false) return false
  checkObject('ws', given)
  const { trust }: WebSocketOptions = given
  if (trust !== undefined) throw new TypeError('ws.trust is proxy.trust here: it holds for all that comes to this port')
  return { ...given, path: given.path ?? WEB_SOCKET_PATHS }
}

function checkObject(name: string, given: unknown): void {
  if (typeof given !== 'object' || given === null)
    throw new TypeError(`${name} must be an object with options; given ${inspect(given)}`)
}

const HEALTH_PATH = '/health'

function healthOf(given: MuxOptions['health'] = HEALTH_PATH): MuxSettings['health'] {
  if (given === false) return { path: undefined }
  if (typeof given === 'string') return { path: pathOf('health', given) }
  if (typeof given !== 'object' || given === null)
    throw new TypeError(`health must be a path, an object with path and facts, or false; given ${inspect(given)}`)
  checkNames(given, ['path', 'facts'])
  const { path = HEALTH_PATH, facts } = given
  if (facts !== undefined && typeof facts !== 'function')
    throw new TypeError(`health.facts must be a function; given ${inspect(facts)}`)
  return { path: pathOf('health.path', path), facts }
}

function pathOf(name: string, given: unknown): string {
  if (typeof given !== 'string' || !/^\/[^?#\s]*$/.test(given))
    throw new TypeError(`${name} must be a path that begins with / and has no query; given ${inspect(given)}`)
  return given
}
