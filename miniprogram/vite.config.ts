import uniModule from '@dcloudio/vite-plugin-uni'
import { defineConfig } from 'vite'

// Under "type": "module" the plugin's own export is wrapped once more.
const uni = (uniModule as unknown as { default?: typeof uniModule }).default ?? uniModule

export default defineConfig({
  plugins: [uni()],
  define: {
    // The mini-program has no address of its own: KAQUAN_API_BASE names the server at build time.
    __API_BASE__: JSON.stringify(process.env.KAQUAN_API_BASE ?? ''),
  },
  build: { target: 'es2018', assetsInlineLimit: 2048 },
})
