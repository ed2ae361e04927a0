// Is the built mini-program whole? Every page complete, every script readable, the package small.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const OUT = new URL('dist/build/mp-weixin', import.meta.url).pathname
const MOST_BYTES = 2 * 1024 * 1024
const problems = []
const app = JSON.parse(readFileSync(join(OUT, 'app.json'), 'utf8'))

for (const page of app.pages) {
  for (const kind of ['js', 'json', 'wxml']) {
    if (!existsSync(join(OUT, `${page}.${kind}`))) problems.push(`${page}.${kind} is missing`)
  }
}
for (const tab of app.tabBar.list) {
  for (const icon of [tab.iconPath, tab.selectedIconPath]) {
    if (!existsSync(join(OUT, icon))) problems.push(`${icon} is missing`)
  }
}
const files = readdirSync(OUT, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0)
if (bytes > MOST_BYTES) problems.push(`the package has ${bytes} bytes, and WeChat takes ${MOST_BYTES}`)
for (const file of files.filter((name) => name.endsWith('.js'))) {
  try {
    execFileSync(process.execPath, ['--check', file], { stdio: 'pipe' })
  } catch (error) {
    problems.push(`${file}: ${error.stderr}`)
  }
}
const words = /钱包|零钱|提现/
for (const file of files.filter((name) => /\.(js|wxml|json)$/.test(name))) {
  if (words.test(readFileSync(file, 'utf8'))) problems.push(`${file} has a word of licensed payment accounts`)
}
for (const problem of problems) console.error(problem)
console.log(JSON.stringify({ pages: app.pages.length, bytes, problems: problems.length }))
process.exit(problems.length ? 1 : 0)
