// What Flume's Thrift source and sink speak: the interface of flume-ng-sdk 1.11 (`flume.thrift`), by its names and numbers.
enum Status { OK, FAILED, ERROR, UNKNOWN }
struct ThriftFlumeEvent { 1: required map<string, string> headers, 2: required binary body }
service ThriftSourceProtocol {
  Status append(1: ThriftFlumeEvent event),
  Status appendBatch(1: list<ThriftFlumeEvent> events),
}
