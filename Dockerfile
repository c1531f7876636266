# Builds one static binary and puts it into an image that holds nothing else.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# What `saumer version` and the User-Agent of deliveries say: --build-arg RELEASE=1.2.3
ARG RELEASE=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.release=${RELEASE}" -o /out/saumer ./cmd/saumer \
 && mkdir /out/data

FROM scratch
# The certificates that HTTPS endpoints are checked against.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/saumer /saumer
# A volume mounted here begins with this owner.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV SAUMER_HTTP=0.0.0.0:8080 \
    SAUMER_DATA=/data
VOLUME /data
# The embedded NATS takes publishers only within the container, unless SAUMER_NATS_LISTEN says otherwise.
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/saumer", "health"]
ENTRYPOINT ["/saumer"]
CMD ["serve"]
