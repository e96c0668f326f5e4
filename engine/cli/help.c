/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/help.h"

#include "cli/args.h"
#include "serve/serve.h"

void rl_help_main(FILE *out)
{
    fputs("ringload - load tests of TCP services, scripted in Lua, on io_uring\n"
          "\n"
          "Usage:\n"
          "  ringload run FILE [flags]     run a load test\n"
          "  ringload serve MODE [flags]   a TCP server to run one against\n"
          "  ringload doctor [flags]       what this machine lacks for a load, and how to mend it\n"
          "  ringload version              which version this is\n"
          "  ringload COMMAND --help       the flags of a command\n"
          "\n"
          "Try it:\n"
          "  ringload serve echo --listen 127.0.0.1:7000 &\n"
          "  ringload run script.lua --vus 100 --duration 10s\n",
          out);
}

void rl_help_run(FILE *out)
{
    fputs("Run a load test.\n"
          "\n"
          "Usage:\n"
          "  ringload run FILE [flags]\n"
          "\n"
          "Flags go over the environment (K6_VUS, RINGLOAD_VUS, ...), that over the script's "
          "options,\n"
          "and those over the config file.\n",
          out);
    rl_flags_print(&rl_run_flag_table, out);
}

void rl_help_serve(FILE *out)
{
    const char *name, *help;

    fputs("Serve TCP connections, as something to run a load against.\n"
          "\n"
          "Usage:\n"
          "  ringload serve MODE [flags]\n"
          "\n"
          "Modes:\n",
          out);
    for (size_t i = 0; rl_serve_mode_at(i, &name, &help); i++)
        fprintf(out, "  %-16s  %s\n", name, help);
    rl_flags_print(&rl_serve_flag_table, out);
}

void rl_help_doctor(FILE *out)
{
    fputs("Say what this machine lacks for a load, and the command that mends it. Reads only, and needs no\n"
          "rights, without --apply. The exit code is 1 if something is short.\n"
          "\n"
          "Usage:\n"
          "  ringload doctor [flags]\n",
          out);
    rl_flags_print(&rl_doctor_flag_table, out);
}
