/** The clients of browsers, unmodified, each made to be asked in the same words: one case is shown for all of them. */

import { RxStomp, RxStompState } from '@stomp/rx-stomp'
import { Client, type IFrame, type IMessage, type IPublishParams, type StompConfig } from '@stomp/stompjs'
import { filter } from 'rxjs'

/** What a test hears of its client. */
export interface Heard {
  onConnect?(): void
  onError?(frame: IFrame): void
  onClose?(code: number): void
}

/** What can be configured: how it is heard is the same for all. */
export type WebClientConfig = Omit<StompConfig, 'beforeConnect' | 'onConnect' | 'onStompError' | 'onWebSocketClose'>

/** A client, whichever it is. */
export interface WebClient {
  /** The Client that does the work, for what nobody has words of their own for. */
  readonly stomp: Client
  readonly isConnected: boolean
  activate(): void
  deactivate(options?: { readonly force?: boolean }): Promise<void>
  publish(message: IPublishParams): void
  /** Answers what ends the subscription. */
  subscribe(destination: string, listener: (message: IMessage) => void, headers?: Record<string, string>): () => void
  /** Resolves with the RECEIPT of this id. */
  receipt(id: string): Promise<IFrame>
}

/** One row of the table. */
export interface WebClientKind {
  readonly name: string
  make(config: WebClientConfig, heard?: Heard): WebClient
}

const stompjs: WebClientKind = {
  name: '@stomp/stompjs',
  make: (config, heard = {}) => {
    const stomp = new Client({
      ...config,
      onConnect: () => heard.onConnect?.(),
      onStompError: (frame) => heard.onError?.(frame),
      onWebSocketClose: ({ code }: CloseEvent) => heard.onClose?.(code),
    })
    return {
      stomp,
      get isConnected() {
        return stomp.connected
      },
      activate: () => stomp.activate(),
      deactivate: (options) => stomp.deactivate(options),
      publish: (message) => stomp.publish(message),
      subscribe: (destination, listener, headers) => {
        const subscription = stomp.subscribe(destination, listener, headers)
        return () => subscription.unsubscribe()
      },
      receipt: (id) => new Promise((resolve) => stomp.watchForReceipt(id, resolve)),
    }
  },
}

const rxStomp: WebClientKind = {
  name: '@stomp/rx-stomp',
  make: (config, heard = {}) => {
    const rx = new RxStomp()
    rx.configure(config)
    rx.connectionState$.pipe(filter((state) => state === RxStompState.OPEN)).subscribe(() => heard.onConnect?.())
    rx.stompErrors$.subscribe((frame) => heard.onError?.(frame))
    const stomp = rx.stompClient
    return {
      stomp,
      get isConnected() {
        return rx.connectionState$.getValue() === RxStompState.OPEN
      },
      activate: () => {
        rx.activate()
        // It tells that the connection is closed, and not with which code.
        const { onWebSocketClose } = stomp
        stomp.onWebSocketClose = (event: CloseEvent) => {
          onWebSocketClose(event)
          heard.onClose?.(event.code)
        }
      },
      deactivate: (options) => rx.deactivate(options),
      publish: (message) => rx.publish(message),
      subscribe: (destination, listener, headers) => {
        const subscription = rx.watch(destination, headers).subscribe(listener)
        return () => subscription.unsubscribe()
      },
      receipt: (id) => rx.asyncReceipt(id),
    }
  },
}

/** All of them. */
export const webClients: readonly WebClientKind[] = [stompjs, rxStomp]
