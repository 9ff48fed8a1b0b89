import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { index: 'src/index.ts' },
  format: ['esm', 'cjs'],
  treeshake: true,
  dts: { compilerOptions: { stripInternal: true } },
  clean: true,
  target: 'node20',
})
