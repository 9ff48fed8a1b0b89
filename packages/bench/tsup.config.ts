import { defineConfig } from 'tsup'

export default defineConfig({
  // The worker is a program that is started by its path.
  entry: ['src/index.ts', 'src/worker.ts'],
  format: ['esm', 'cjs'],
  splitting: true,
  treeshake: true,
  shims: true,
  dts: { entry: 'src/index.ts', compilerOptions: { stripInternal: true } },
  clean: true,
  target: 'node20',
})
