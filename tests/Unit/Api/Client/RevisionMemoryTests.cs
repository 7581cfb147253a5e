using Lamina.Api.Client;

namespace Lamina.Tests.Unit.Api.Client;

public sealed class RevisionMemoryTests
{
    [Theory]
    [InlineData("a-9", "a-10", "a-10")]
    [InlineData("a-10", "a-9", "a-10")]
    [InlineData("a-10", "b-9", "b-9")]
    [InlineData("a-b-10", "a-b-9", "a-b-10")]
    [InlineData("a-10", "nonsense", "nonsense")]
    public void TheNewestOfOneStoreIsKept(string first, string second, string kept)
    {
        var memory = new RevisionMemory();
        memory.Note(first);
        memory.Note(second);
        Assert.Equal(kept, memory.Newest);
    }
}
