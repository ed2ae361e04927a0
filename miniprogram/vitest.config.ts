import { defineConfig } from 'vitest/config'

export default defineConfig({
  define: { __API_BASE__: JSON.stringify('') },
  resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
  test: { include: ['tests/**/*.test.ts'], environment: 'node', setupFiles: ['tests/uni.ts'] },
})
