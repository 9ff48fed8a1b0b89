import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { index: 'src/index.ts', 'contracts/index': 'src/contracts/index.ts' },
  format: ['esm', 'cjs'],
  dts: true,
  clean: true,
  target: 'node20',
})
