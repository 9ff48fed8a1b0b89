import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    // Tests run from the sources: no build stands between a change and its test.
    alias: {
      '@xtomp/bench': source('./packages/bench/src/index.ts'),
      '@xtomp/core/codec': source('./packages/core/src/codec/index.ts'),
      '@xtomp/core/destination': source('./packages/core/src/destination/index.ts'),
      '@xtomp/core/ports': source('./packages/core/src/ports/index.ts'),
      '@xtomp/core': source('./packages/core/src/index.ts'),
      '@xtomp/cluster': source('./packages/cluster/src/index.ts'),
      '@xtomp/mux': source('./packages/mux/src/index.ts'),
      '@xtomp/net/socket': source('./packages/net/src/socket/index.ts'),
      '@xtomp/net': source('./packages/net/src/index.ts'),
      '@xtomp/ws': source('./packages/ws/src/index.ts'),
      '@xtomp/tls/socket': source('./packages/tls/src/socket/index.ts'),
      '@xtomp/tls': source('./packages/tls/src/index.ts'),
      '@xtomp/fastify': source('./packages/fastify/src/index.ts'),
      '@xtomp/testing/contracts': source('./packages/testing/src/contracts/index.ts'),
      '@xtomp/testing': source('./packages/testing/src/index.ts'),
    },
  },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
