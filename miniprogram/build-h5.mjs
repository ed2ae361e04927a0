// Builds the H5 app and packs what it serves, so that the web server has nothing to pack on the way.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const OUT = new URL('dist/build/h5', import.meta.url).pathname
// The framework's style sheet fetches shadows from its makers' host: nothing of ours may ask another.
const ELSEWHERE = /url\(["']?https?:[^)]*\)/g
const PACKED = /\.(js|css|wasm|svg)$/

execFileSync('npm', ['run', '--silent', 'uni:h5'], { stdio: ['ignore', 'ignore', 'inherit'] })
const NAMELESS = /import\("(?![./])[^"]*"\)/
for (const entry of readdirSync(OUT, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !PACKED.test(entry.name)) continue
  const path = join(entry.parentPath ?? entry.path, entry.name)
  if (path.endsWith('.js') && NAMELESS.test(readFileSync(path, 'utf8'))) throw new Error(`${entry.name} imports what no browser resolves`)
  if (path.endsWith('.css')) writeFileSync(path, readFileSync(path, 'utf8').replace(ELSEWHERE, 'none'))
  writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }))
}
