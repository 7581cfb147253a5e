using Lamina.Engine;
using Lamina.Server.Metrics;
using Lamina.Testing.Engine;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Tests.Unit.Metrics;

public sealed class VmQuestionsTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _time = new();
    private readonly FakeEngine _engine = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private async Task<IVm> StartAsync(string name)
    {
        var id = Guid.NewGuid();
        return await _engine.StartPausedAsync(
            new VmDefinition
            {
                Id = id, Name = name, Instance = "test", Epoch = 1, Run = 1, MachineType = "pc-q35-7.2", Accelerator = Accelerator.Tcg, CpuModel = "Westmere-v1",
                Cpus = 1, MaxCpus = 1, MemoryMiB = 64, Uid = 1, Gid = 1, RuntimeFolder = $"/run/test/{id}",
            },
            Token);
    }

    [Fact]
    public async Task Its_last_two_answers_are_kept()
    {
        using var questions = new VmQuestions(_time);
        await using var vm = await StartAsync("a");
        await questions.AskAsync([vm], Interval, Token);
        Assert.Null(questions.AnswersOf(vm).Before);
        _time.Advance(Interval);
        await questions.AskAsync([vm], Interval, Token);
        Assert.NotNull(questions.AnswersOf(vm).Before);
        Assert.NotSame(questions.AnswersOf(vm).Before, questions.AnswersOf(vm).Last);
    }

    [Fact]
    public async Task One_that_hangs_is_waited_for_no_longer_than_its_deadline_and_holds_up_nobody()
    {
        using var questions = new VmQuestions(_time);
        await using var hung = await StartAsync("hung");
        await using var well = await StartAsync("well");
        var asked = new TaskCompletionSource();
        _engine.Guest(hung.Id).OnCall = _ =>
        {
            asked.TrySetResult();
            return new TaskCompletionSource().Task;
        };
        var asking = questions.AskAsync([hung, well], Interval, Token);
        await asked.Task.WaitAsync(Token);
        Assert.NotNull(questions.AnswersOf(well).Last);
        // While it hangs it is not asked again.
        await questions.AskAsync([hung, well], Interval, Token);
        Assert.Single(_engine.Guest(hung.Id).Calls, "QueryCounters");
        _time.Advance(TimeSpan.FromSeconds(3));
        await asking.WaitAsync(Token);
        Assert.Null(questions.AnswersOf(hung).Last);
    }

    [Fact]
    public async Task A_silent_monitor_is_not_asked()
    {
        using var questions = new VmQuestions(_time);
        await using var vm = await StartAsync("silent");
        _engine.Guest(vm.Id).LoseMonitor("it hangs");
        await questions.AskAsync([vm], Interval, Token);
        Assert.Empty(_engine.Guest(vm.Id).Calls);
    }

    [Fact]
    public async Task Of_many_only_some_are_asked_and_all_of_them_in_turn()
    {
        using var questions = new VmQuestions(_time);
        var vms = new List<IVm>();
        for (int index = 0; index < 250; index++) vms.Add(await StartAsync($"vm{index}"));
        foreach (int expected in new[] { 100, 200, 250 })
        {
            await questions.AskAsync(vms, Interval, Token);
            Assert.Equal(expected, vms.Count(vm => questions.AnswersOf(vm).Last is not null));
            _time.Advance(Interval);
        }
    }

    [Fact]
    public async Task A_new_process_has_no_answer_of_the_old_one()
    {
        using var questions = new VmQuestions(_time);
        var first = await StartAsync("a");
        await questions.AskAsync([first], Interval, Token);
        _engine.Guest(first.Id).Die(exitCode: 0);
        var second = await _engine.StartPausedAsync(first.Definition with { Run = 2 }, Token);
        Assert.Null(questions.AnswersOf(second).Last);
        await questions.AskAsync([], Interval, Token);
        Assert.Null(questions.AnswersOf(first).Last);
    }
}
