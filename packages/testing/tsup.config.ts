import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { index: 'src/index.ts', 'contracts/index': 'src/contracts/index.ts' },
  format: ['esm', 'cjs'],
  // In CommonJS, too, the entry points share their classes: the clock of one is that of the other.
  splitting: true,
  treeshake: true,
  dts: { compilerOptions: { stripInternal: true } },
  clean: true,
  target: 'node20',
})
