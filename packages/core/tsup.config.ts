import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { index: 'src/index.ts', 'codec/index': 'src/codec/index.ts', 'ports/index': 'src/ports/index.ts' },
  format: ['esm', 'cjs'],
  dts: true,
  clean: true,
  target: 'node20',
})
