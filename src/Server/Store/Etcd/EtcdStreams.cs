using Grpc.Core;

namespace Lamina.Server.Store.Etcd;

/// <summary>What is said on a stream to etcd.</summary>
internal static class EtcdStreams
{
    /// <summary>
    /// Writes one message. Where the connection breaks meanwhile, the writer lets the transport's own failure through, or says that the call is complete, and only the reader tells it as
    /// gRPC does: to whoever asks, both are the same.
    /// </summary>
    /// <exception cref="RpcException">It could not be written.</exception>
    public static async Task SayAsync<T>(this IClientStreamWriter<T> writer, T message, CancellationToken cancellationToken)
    {
        try
        {
            await writer.WriteAsync(message, cancellationToken);
        }
        catch (Exception broken) when (broken is IOException or HttpRequestException or InvalidOperationException)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, broken.Message, broken));
        }
    }
}
