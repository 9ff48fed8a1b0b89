import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { index: 'src/index.ts', 'socket/index': 'src/socket/index.ts' },
  format: ['esm', 'cjs'],
  // In CommonJS, too, the entry points share their classes.
  splitting: true,
  treeshake: true,
  dts: { compilerOptions: { stripInternal: true } },
  clean: true,
  target: 'node20',
})
