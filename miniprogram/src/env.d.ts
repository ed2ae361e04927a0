/// <reference types="vite/client" />
/// <reference types="@dcloudio/types" />

declare const __API_BASE__: string
declare const wx: unknown
declare const process: { env: Record<string, string | undefined> }

declare module '*.vue' {
  import type { DefineComponent } from 'vue'

  const component: DefineComponent<object, object, unknown>
  export default component
}
