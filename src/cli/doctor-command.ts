/** `spoke doctor`: checks that this installation keeps its guarantees. */
import type { Command } from 'commander'
import type { IsolationReport } from '../doctor/isolation-report.ts'
import { commandLog, printNotice, readCommandConfig } from './console.ts'

export function addDoctorCommands(program: Command): void {
  const doctor = program
    .command('doctor')
    .description('check this installation; exit 1 when something is wrong')

  doctor
    .command('isolation')
    .description(
      'check the database catalog and the live tables, and rehearse an attack of one tenant on another; leaves nothing behind',
    )
    .option('--json', 'print the report as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      // Loaded only now: it brings the whole API, which most commands do not need.
      const { createIsolationReport } = await import('../doctor/isolation-report.ts')
      const report = await createIsolationReport(readCommandConfig(), commandLog())
      console.log(json ? JSON.stringify(report) : shown(report))
      if (!json) {
        for (const warning of report.warnings) printNotice(`spoke: warning: ${warning}`)
        for (const fault of report.faults) printNotice(`spoke: ${fault}`)
      }
      if (report.faults.length > 0) process.exitCode = 1
    })
}

function shown(report: IsolationReport): string {
  const { tables, routes, statements, requests, faults } = report
  return [
    `database\t${report.database}`,
    `rehearsed\tin ${report.rehearsed}`,
    `tried\t${statements} statements on ${tables} tables, ${requests} requests to ${routes} routes`,
    `checked\t${report.live_statements} read-only statements on the live tables`,
    `leaked\t${report.leaked}`,
    `can act as the three roles\t${report.may_act.join(', ')}`,
    `warnings\t${report.warnings.length}`,
    `faults\t${faults.length}`,
  ].join('\n')
}
