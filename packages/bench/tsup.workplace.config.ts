import { defineConfig } from 'tsup'

export default defineConfig({
  entry: [
    'src/agree.ts',
    'src/compare.ts',
    'src/heap-by-class.ts',
    'src/bare-server.ts',
    'src/bare-ws-server.ts',
    'src/ws-server.ts',
    'src/roomy-server.ts',
    'src/tls-server.ts',
    'src/tls-client.ts',
    'src/probe.ts',
    'src/snapshots.ts',
    'src/stuck.ts',
    'src/stuck-subscribers.ts',
    'src/testing-cases.ts',
  ],
  outDir: 'build',
  // It asks for modules of Node as only a module of its own can.
  external: ['ws'],
  format: ['esm'],
  clean: true,
  target: 'node20',
})
