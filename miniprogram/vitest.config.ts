import { defineConfig } from 'vitest/config'

export default defineConfig({
  define: { __API_BASE__: JSON.stringify('') },
  test: { include: ['tests/**/*.test.ts'], environment: 'node', setupFiles: ['tests/uni.ts'] },
})
