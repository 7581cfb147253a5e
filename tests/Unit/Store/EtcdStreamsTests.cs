using Grpc.Core;
using Lamina.Server.Store.Etcd;

namespace Lamina.Tests.Unit.Store;

public class EtcdStreamsTests
{
    public static TheoryData<Exception> Breaks => [new IOException("The request was aborted."), new HttpRequestException("reset"), new InvalidOperationException("Can't write the message because the call is complete.")];

    [Theory]
    [MemberData(nameof(Breaks), DisableDiscoveryEnumeration = true)]
    public async Task A_connection_that_breaks_under_a_message_is_a_member_that_does_not_answer(Exception broken)
    {
        var failure = await Assert.ThrowsAsync<RpcException>(() => new Broken(broken).SayAsync("keep alive", TestContext.Current.CancellationToken));
        Assert.Equal((StatusCode.Unavailable, broken), (failure.StatusCode, failure.Status.DebugException));
        Assert.Equal(EtcdFailureKind.Unknown, EtcdFailures.KindOf(failure));
    }

    private sealed class Broken(Exception how) : IClientStreamWriter<string>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(string message) => Task.FromException(how);

        public Task WriteAsync(string message, CancellationToken cancellationToken) => Task.FromException(how);

        public Task CompleteAsync() => Task.CompletedTask;
    }
}
