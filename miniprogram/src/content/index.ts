/** Articles and banners. Until the server has them, there are none, and the pages say so nicely. */
import { openCall } from '@/api/session'
import type { Page } from '@/api/types'

export interface Banner {
  id: string
  image_url: string
  url: string
}

export interface Article {
  id: string
  title: string
  summary: string
}

interface Kinds {
  banners: Banner
  articles: Article
}

// The server's content calls are not there yet: nobody is asked in vain on every visit.
const SERVED: readonly (keyof Kinds)[] = []

export async function contentOf<Kind extends keyof Kinds>(kind: Kind): Promise<Kinds[Kind][]> {
  if (!SERVED.includes(kind)) return []
  try {
    return (await openCall<Page<Kinds[Kind]>>(`/${kind}?limit=5`)).items
  } catch {
    return []
  }
}
