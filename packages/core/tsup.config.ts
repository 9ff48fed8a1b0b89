import { defineConfig } from 'tsup'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    'codec/index': 'src/codec/index.ts',
    'destination/index': 'src/destination/index.ts',
    'ports/index': 'src/ports/index.ts',
  },
  format: ['esm', 'cjs'],
  // In CommonJS, too, the entry points share their classes: what one throws is an instance of what the other exports.
  splitting: true,
  treeshake: true,
  dts: { compilerOptions: { stripInternal: true } },
  clean: true,
  target: 'node20',
})
