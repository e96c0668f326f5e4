/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the control thread tells a worker: mails that are obeyed on the worker's thread. */
#include <stdlib.h>

#include "base/assert.h"
#include "run/test.h"
#include "run/worker_impl.h"

enum command_kind { RUN_SPECIAL, START, INTERRUPT_SPECIAL, INTERRUPT, STOP };

struct command {
    struct rl_mail mail;
    struct rl_worker *worker;
    enum command_kind kind;
    uint32_t exec;
    uint64_t zero_ns;
    const char *setup_json;
};

static void run_special(struct rl_worker *worker, uint32_t exec)
{
    struct rl_vu *vu = &worker->special;

    rl_vu_init(vu, &worker->env, 0, 0);
    vu->exec = exec;
    vu->tags = rl_tags_with(worker->shard.tags, rl_worker_tags(worker, NULL), "group",
                            exec == RL_EXEC_SETUP ? "::setup" : "::teardown");
    if (worker->env.program->create(vu) < 0) {
        atomic_store(&worker->special_failed, true);
        atomic_store(&worker->special_ended, true);
        rl_test_poke(worker->test);
        return;
    }
    worker->special_created = true;
    rl_vu_begin(vu);
}

static void end_special(struct rl_worker *worker)
{
    if (!worker->special_created)
        return;
    rl_vu_interrupt(&worker->special);
    worker->env.program->destroy(&worker->special);
    rl_vu_fini(&worker->special);
    worker->special_created = false;
}

static void start_executors(struct rl_worker *worker, const struct command *command)
{
    end_special(worker);
    rl_script_set_setup_data(worker->host, command->setup_json);
    if (worker->executors_left == 0) {
        atomic_store(&worker->executors_ended, true);
        rl_test_poke(worker->test);
    }
    for (size_t i = 0; i < worker->test->plan.scenario_count; i++)
        rl_executor_start(&worker->executors[i], command->zero_ns);
}

static void obey(struct rl_mail *mail)
{
    struct command *command = rl_container_of(mail, struct command, mail);
    struct rl_worker *worker = command->worker;

    switch (command->kind) {
    case RUN_SPECIAL:
        end_special(worker);
        run_special(worker, command->exec);
        break;
    case START:
        start_executors(worker, command);
        break;
    case INTERRUPT_SPECIAL:
        rl_vu_interrupt(&worker->special);
        break;
    case INTERRUPT:
        for (size_t i = 0; i < worker->test->plan.scenario_count; i++)
            rl_executor_abort(&worker->executors[i]);
        atomic_store(&worker->interrupted, false);
        break;
    case STOP:
        end_special(worker);
        rl_loop_stop(&worker->loop);
        break;
    }
    free(command);
}

static void post(struct rl_worker *worker, const struct command *what)
{
    struct command *command = malloc(sizeof(*command));

    RL_CHECK(command != NULL);
    *command = *what;
    command->worker = worker;
    command->mail.deliver = obey;
    rl_loop_post(&worker->loop, &command->mail);
}

void rl_worker_run_special(struct rl_worker *worker, uint32_t exec)
{
    atomic_store(&worker->special_ended, false);
    atomic_store(&worker->special_failed, false);
    atomic_store(&worker->special_interrupted, false);
    post(worker, &(struct command){.kind = RUN_SPECIAL, .exec = exec});
}

void rl_worker_start_executors(struct rl_worker *worker, uint64_t zero_ns, const char *setup_json)
{
    post(worker, &(struct command){.kind = START, .zero_ns = zero_ns, .setup_json = setup_json});
}

void rl_worker_interrupt_special(struct rl_worker *worker)
{
    atomic_store(&worker->special_interrupted, true);
    post(worker, &(struct command){.kind = INTERRUPT_SPECIAL});
}

void rl_worker_interrupt(struct rl_worker *worker)
{
    atomic_store(&worker->interrupted, true);
    post(worker, &(struct command){.kind = INTERRUPT});
}

void rl_worker_stop(struct rl_worker *worker)
{
    post(worker, &(struct command){.kind = STOP});
}
