/**
 * A NestJS application with a broker inside: orders come by HTTP, wait in a queue, and are told when they are done.
 *
 *   npx tsx examples/nestjs/orders.ts
 *   curl -H 'content-type: application/json' -d '{"item":"tea"}' http://localhost:3000/orders
 */

import 'reflect-metadata'
import { Body, Controller, Inject, Module, type OnModuleDestroy, type OnModuleInit, Post } from '@nestjs/common'
import { HttpAdapterHost, NestFactory } from '@nestjs/core'
import { type Broker, createBroker } from '@xtomp/core'
import { attach } from '@xtomp/ws'

const BROKER = Symbol('broker')

/** The door on Nest's server, and the broker's end: before the server waits for its connections. */
@Module({ providers: [{ provide: BROKER, useFactory: () => createBroker() }], exports: [BROKER] })
class StompModule implements OnModuleInit, OnModuleDestroy {
  constructor(
    @Inject(BROKER) readonly broker: Broker,
    @Inject(HttpAdapterHost) readonly host: HttpAdapterHost,
  ) {}

  onModuleInit(): void {
    attach(this.broker, this.host.httpAdapter.getHttpServer(), { path: '/stomp' })
  }

  onModuleDestroy(): Promise<void> {
    return this.broker.close({ drainMs: 5_000 })
  }
}

/** Takes orders by HTTP, and works on them one by one. */
@Controller('orders')
class Orders implements OnModuleInit {
  constructor(@Inject(BROKER) readonly broker: Broker) {}

  @Post()
  async order(@Body() order: object): Promise<{ accepted: true }> {
    await this.broker.publishConfirmed('/queue/orders', JSON.stringify(order))
    return { accepted: true }
  }

  onModuleInit(): void {
    this.broker.subscribe('/queue/orders', { ack: 'client-individual', prefetch: 1 }, ({ message, ack }) => {
      this.broker.publish('/topic/done', message.body, { headers: { 'content-type': 'application/json' } })
      ack()
    })
  }
}

@Module({ imports: [StompModule], controllers: [Orders] })
class Application {}

const app = await NestFactory.create(Application, { logger: ['error', 'warn'] })
app.enableShutdownHooks() // SIGTERM closes the application, and so the broker
await app.listen(process.env.PORT ?? 3000, '127.0.0.1')
console.log(await app.getUrl())
