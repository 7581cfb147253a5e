using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server;
using Lamina.Server.Http;
using Lamina.Server.Store;
using Xunit;

namespace Lamina.Tests.Unit.Http;

public class ProblemAnswersTests
{
    [Fact]
    public void EveryKindHasAStatusOfItsOwnFamily()
    {
        foreach (var kind in Enum.GetValues<ProblemKind>()) Assert.InRange(ProblemAnswers.StatusOf(kind), 400, 507);
        Assert.Equal(500, ProblemAnswers.StatusOf(ProblemKind.Internal));
    }

    [Fact]
    public void AnUnknownFailureTellsNothingOfItself()
    {
        var problem = ProblemAnswers.Of(new InvalidOperationException("secret path"), "r1");
        Assert.Equal((500, "internal", "r1"), (problem.Status, problem.Code, problem.RequestId));
        Assert.DoesNotContain("secret", problem.Detail, StringComparison.Ordinal);
        Assert.Contains("r1", problem.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void BadInputIsListed()
    {
        var input = new InputException([new InputProblem { Path = "$.a", Code = "c", Message = "m" }]);
        var problem = ProblemAnswers.Of(input, "r1");
        Assert.Equal((400, "input.invalid"), (problem.Status, problem.Code));
        Assert.Equal("$.a", Assert.Single(problem.Problems!).Path);
    }

    [Fact]
    public void AStoreThatIsAwayIs503()
    {
        Assert.Equal((503, "store.unavailable"), CodeOf(new StoreUnavailableException("disk full")));
        Assert.Equal((503, "store.outcomeUnknown"), CodeOf(new StoreOutcomeUnknownException(new StoreTransaction(), "lost")));
        Assert.Equal((409, "conflict.busy"), CodeOf(new OvertakenException(7)));
    }

    [Fact]
    public void ARefusalKeepsItsCodeWordsAndRemedy()
    {
        var problem = ProblemAnswers.Of(ProblemException.NotFound("vm", "web1", "default"), "r1");
        Assert.Equal((404, "vm.notFound"), (problem.Status, problem.Code));
        Assert.Contains("'web1'", problem.Detail, StringComparison.Ordinal);
        Assert.Contains("lamina vm list", problem.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void ANounOfTwoWordsIsWrittenAsPeopleDo()
    {
        Assert.Contains("firewall group 'web'", ProblemException.NameTaken("firewallGroup", "web", "default").Message, StringComparison.Ordinal);
        Assert.Contains("lamina firewall group list", ProblemException.NotFound("firewallGroup", "web", "default").Remedy, StringComparison.Ordinal);
    }

    private static (int Status, string Code) CodeOf(Exception failure)
    {
        var problem = ProblemAnswers.Of(failure, "r1");
        return (problem.Status, problem.Code);
    }
}
