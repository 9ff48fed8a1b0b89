/** What went wrong, in words that say what to do. */

import type { Fault } from '../load/session.js'
import { shownUrl } from './target.js'

const FILES = 'raise the limit (ulimit -n) or take more --processes; `xtomp doctor` says what else is in the way'
const PORTS =
  'connections that have ended, those of an earlier run, too, keep theirs for a minute (TIME_WAIT); take more --sources, which are for a broker at 127.*, or wait'
const CERTIFICATE = 'name who vouches for it with --ca FILE, or take any with --insecure'

/** By the system's code; `at` is where the broker is. */
const WORDS: Readonly<Record<string, (at: string) => string>> = {
  ECONNREFUSED: (at) => `nobody listens at ${at} (ECONNREFUSED): start a broker, or say where it is with --url`,
  ENOTFOUND: (at) => `nobody knows the host of ${at} (ENOTFOUND)`,
  EMFILE: () => `a process may not open more files (EMFILE): ${FILES}`,
  ENFILE: () => `this machine may not open more files (ENFILE): ${FILES}`,
  EADDRINUSE: (at) =>
    `too many ports in a row are taken on this side of another connection to ${at} (EADDRINUSE): ${PORTS}`,
  EADDRNOTAVAIL: (at) => `no port is left for another connection to ${at} (EADDRNOTAVAIL): ${PORTS}`,
  ECONNRESET: (at) => `${at} cut a connection (ECONNRESET): it may have reached a limit of its own, as open files`,
  ETIMEDOUT: (at) => `${at} does not answer (ETIMEDOUT)`,
  DEPTH_ZERO_SELF_SIGNED_CERT: (at) => `nobody vouches for the certificate of ${at}: ${CERTIFICATE}`,
  SELF_SIGNED_CERT_IN_CHAIN: (at) => `nobody vouches for the certificate of ${at}: ${CERTIFICATE}`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: (at) => `nobody vouches for the certificate of ${at}: ${CERTIFICATE}`,
  ERR_TLS_CERT_ALTNAME_INVALID: (at) => `the certificate of ${at} is for another name: ${CERTIFICATE}`,
}

/** A fault of a run with the broker at this URL, as one sentence. */
export function faultText({ message, code = '' }: Fault, url: string): string {
  const at = shownUrl(url)
  return WORDS[code]?.(at) ?? `${at}: ${message}`
}

/** Says that a process would need more files than it may have. */
export function tooManyFiles(connections: number, most: number): Error {
  return new Error(
    `${number(connections)} connections need more open files than the ${number(most)} of a process: ${FILES}`,
  )
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}
